/**
 * A supervisor that sends documents through one processor, one at a time, and at each checkpoint
 * stops until it is told to go on: so that it can be looked at from outside.
 */
import { once } from "node:events";
import { getHeapSpaceStatistics } from "node:v8";
import { DocumentProcessor, type Checkpoint } from "@cofferdam/documents";

/** What it is started with, as JSON. */
export interface Supervision {
  readonly paths: readonly string[];
  readonly out: string;
  readonly marker: string;
}

/** What it says. It is answered after a checkpoint only. */
export type Word =
  | {
      readonly type: "checkpoint";
      readonly checkpoint: Checkpoint;
      /** Resident for V8's new objects; V8 lets it grow in steps, to 32 MB, and keeps it. */
      readonly youngBytes: number;
    }
  | { readonly type: "converted"; readonly tookMs: number }
  | { readonly type: "closed"; readonly left: number };

const { paths, out, marker } = JSON.parse(process.argv[2] ?? "") as Supervision;

const processor = await DocumentProcessor.open({
  out,
  engine: "marker",
  marker,
  workers: 1,
  onCheckpoint: async (checkpoint) => {
    const answered = once(process, "message");
    say({ type: "checkpoint", checkpoint, youngBytes: youngGeneration() });
    await answered;
  },
});
for await (const result of processor.processBatch(paths, { batchSize: 50, concurrency: 1 }))
  if (result.status === "newly_processed")
    say({ type: "converted", tookMs: result.processingTimeMs });
const { processes } = await processor.close();
say({ type: "closed", left: processes.left });
process.disconnect();

function youngGeneration(): number {
  return getHeapSpaceStatistics()
    .filter(({ space_name }) => space_name.startsWith("new_"))
    .reduce((sum, { physical_space_size }) => sum + physical_space_size, 0);
}

function say(word: Word): void {
  process.send?.(word);
}
