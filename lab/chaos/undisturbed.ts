import { CLEANUP_DEADLINE_MS, endLeftovers } from "../kill.ts";
import type { Timing } from "./moments.ts";
import { checkOutputs, listFiles, type Outputs, readOutputs } from "./outputs.ts";
import { makePlace, openPlace } from "./place.ts";
import { watchAppearances } from "./strike.ts";
import { startSubject, type Subject } from "./subject.ts";

/** What an undisturbed run may need to vanish. */
const SETTLE_MS = 500;

/** What an undisturbed run makes, needs, and leaves. */
export interface Undisturbed {
  readonly reference: Outputs;
  /** All files in its folder, hidden ones too. */
  readonly files: readonly string[];
  readonly timing: Timing;
  readonly left: number;
}

/** Twice: the first run warms what can be warmed, and the second must make the same files. */
export async function runUndisturbed(subject: Subject): Promise<Undisturbed> {
  const warm = await runOnce(subject);
  const second = await runOnce(subject);
  const { torn, missing } = checkOutputs(warm.reference, second.reference);
  if (second.reference.size === 0) throw new Error(`the command makes no ${subject.suffix} files`);
  if (torn.length + missing.length > 0) {
    throw new Error(`two undisturbed runs differ in ${[...torn, ...missing].join(", ")}`);
  }
  return { ...second, left: warm.left + second.left };
}

async function runOnce(subject: Subject): Promise<Undisturbed> {
  using place = makePlace();
  const { census, env } = openPlace(place);
  const start = performance.now();
  const command = await startSubject(subject, place.out, env);
  const appearedMs = await watchAppearances(command, start);
  const { code, signal } = await command.ended;
  const expectedMs = Math.round(performance.now() - start);
  const { count } = await census.waitUntilEmpty(SETTLE_MS);
  await endLeftovers(census, CLEANUP_DEADLINE_MS);
  if (code !== 0) {
    throw new Error(
      `undisturbed, the command ended with ${signal ?? code ?? "?"}: ${command.stderrTail().trim()}`,
    );
  }
  return {
    reference: readOutputs(place.out, subject.suffix),
    files: listFiles(place.out),
    timing: {
      expectedMs,
      appearedMs: {
        command: 0,
        keeper: appearedMs.keeper ?? expectedMs,
        worker: appearedMs.worker ?? expectedMs,
        output: appearedMs.output ?? expectedMs,
      },
    },
    left: count,
  };
}
