/**
 * What containment costs and what a second worker gives, on PDFs: the same engine in a plain Node
 * process, in one contained worker and in two, by turns, warm, and as ratios. A ratio is the median
 * of the rounds', so that a neighbour's noise does not decide.
 *
 *     npm run bench documents [FOLDER] [--rounds N] [--times N]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openScope } from "cofferdam";
import type * as Worker from "../apps/documents/src/convert-worker.ts";
import { median, percent } from "./statistics.ts";

const papers = fileURLToPath(new URL("../examples/papers", import.meta.url));
const worker = new URL("../apps/documents/src/convert-worker.ts", import.meta.url);

export async function benchDocuments(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: "string", default: "5" }, times: { type: "string", default: "10" } },
  });
  const folder = positionals[0] ?? papers;
  const distinct = readdirSync(folder)
    .filter((name) => name.endsWith(".pdf"))
    .map((name) => join(folder, name));
  const paths = Array.from({ length: Number(values.times) }, () => distinct).flat();
  console.log(`${distinct.length} PDFs, ${values.times} times over, ${values.rounds} rounds`);

  using plain = new PlainProcess();
  await using scope = await openScope();
  const one = scope.pool<typeof Worker>(worker, { workers: 1 });
  const two = scope.pool<typeof Worker>(worker, { workers: 2 });
  const ways = {
    plain: () => plain.convert(paths),
    one: () => drain(one.map("convert", paths, { ordered: false })),
    two: () => drain(two.map("convert", paths, { ordered: false })),
  };
  for (const way of Object.values(ways)) await way(); // warm
  const cost: number[] = [];
  const gain: number[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    const plainMs = await timed(ways.plain);
    const oneMs = await timed(ways.one);
    const twoMs = await timed(ways.two);
    cost.push(oneMs / plainMs);
    gain.push(oneMs / twoMs);
    console.log(
      `round ${round}: plain ${plainMs.toFixed(0)} ms, one worker ${oneMs.toFixed(0)} ms, two ${twoMs.toFixed(0)} ms`,
    );
  }
  console.log(
    `containment, one worker against a plain process: ${percent(median(cost) - 1)} slower`,
  );
  console.log(`two workers against one: ${median(gain).toFixed(2)} times`);
}

async function drain(results: AsyncIterable<unknown>): Promise<void> {
  const iterator = results[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}

async function timed(run: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await run();
  return performance.now() - since;
}

/** The same function in a child process that nobody contains. */
class PlainProcess implements Disposable {
  readonly #child = fork(fileURLToPath(new URL("./documents-plain.ts", import.meta.url)));

  async convert(paths: readonly string[]): Promise<void> {
    this.#child.send(paths);
    await once(this.#child, "message");
  }

  [Symbol.dispose](): void {
    this.#child.disconnect();
  }
}
