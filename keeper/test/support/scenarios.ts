import { type KeeperProcess, measure } from "./keeper-process.ts";
import { nonsenseFrame, stopAll } from "./nonsense.ts";
import { Random } from "./random.ts";
import { reply, request, start, tag } from "./wire.ts";

/** Frames sent before the keeper is asked whether it is still there. */
const batch = 500;
/** Beyond every id that nonsense uses with a START that could be sound. */
const echoTask = 0xffff_fff0;

export interface NonsenseResult {
  readonly frames: number;
  readonly starts: number;
  readonly refused: number;
  readonly started: number;
  readonly ended: number;
}

/**
 * Sends nonsense until `frames` frames are out, then ends what it has started. Every START must
 * have got exactly one answer, and every started task one end; the caller compares.
 */
export async function sendNonsense(
  keeper: KeeperProcess,
  frames: number,
  seed: number,
): Promise<NonsenseResult> {
  const random = new Random(seed);
  let starts = 0;
  for (let sent = 0; sent < frames; sent += batch) {
    const some = Array.from({ length: Math.min(batch, frames - sent) }, () =>
      nonsenseFrame(random),
    );
    starts += some.filter((one) => one.readUInt8(4) === request.start).length;
    await keeper.send(Buffer.concat(some));
    await keeper.echo(echoTask);
    starts++;
  }
  await keeper.send(stopAll());
  while (keeper.count(reply.ended) < keeper.count(reply.started)) {
    await keeper.next(({ type }) => type === reply.ended);
  }
  await keeper.echo(echoTask);
  starts++;
  return {
    frames,
    starts,
    refused: keeper.count(reply.refused),
    started: keeper.count(reply.started),
    ended: keeper.count(reply.ended),
  };
}

/** As many at once as a busy pool has. */
const atOnce = 8;

export interface Flatness {
  readonly tasks: number;
  readonly seconds: number;
  /** After a tenth of the tasks and after all of them, with nothing running. */
  readonly rssBytes: readonly [number, number];
  readonly descriptors: readonly [number, number];
  /** Tasks whose end was not the plain one. */
  readonly odd: number;
}

/** Short tasks, one after the other in a few rows, and what they leave in the keeper. */
export async function runManyTasks(
  keeper: KeeperProcess,
  tasks: number,
  onProgress: (done: number) => void = () => undefined,
): Promise<Flatness> {
  const began = performance.now();
  const warm = Math.max(atOnce, Math.floor(tasks / 10));
  let odd = 0;
  let next = 1;
  const runUntil = async (last: number): Promise<void> => {
    const row = async (): Promise<void> => {
      while (next <= last) {
        const id = next++;
        const end = await keeper.run(start(id, ["/bin/true"], fieldsFor(id)));
        if (end.type !== reply.ended || end.number(tag.status) !== 0) odd++;
        if (id % 1000 === 0) onProgress(id);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, row));
    await keeper.echo(echoTask);
  };
  await runUntil(warm);
  const first = measure(keeper.pid);
  await runUntil(tasks);
  const last = measure(keeper.pid);
  return {
    tasks,
    seconds: (performance.now() - began) / 1000,
    rssBytes: [first.rssBytes, last.rssBytes],
    descriptors: [first.descriptors, last.descriptors],
    odd,
  };
}

/** Not each task the same: pipes, a scratch folder, a deadline, each of them in turn. */
function fieldsFor(id: number): [number, string | number | Uint8Array][] {
  const fields: [number, string | number | Uint8Array][] = [];
  if (id % 2 === 0) fields.push([tag.stdio, Uint8Array.of(1, 1, 1)]);
  if (id % 3 === 0) fields.push([tag.scratch, ""]);
  if (id % 5 === 0) fields.push([tag.timeout, 600_000]);
  return fields;
}
