/**
 * What the tests do with thousands, with as many as you like:
 *
 *     node keeper/test/long.ts --frames 1000000 --tasks 100000 [--seed N]
 *
 * Ends with 0 when all held. The figures go to standard output.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openCensus } from "../../lab/census/index.ts";
import { buildPlain, buildSanitized, sanitizerEnv } from "./support/build.ts";
import { KeeperProcess, measure, runsBelow } from "./support/keeper-process.ts";
import { runManyTasks, sendNonsense } from "./support/scenarios.ts";

/** Frames one keeper gets before another takes over, with another seed. */
const framesPerKeeper = 250_000;
/** What allocators and the kernel's own counting move by, whatever is run. */
const roomBytes = 512 * 1024;
const censusDeadlineMs = 30_000;

const { values } = parseArgs({
  options: {
    frames: { type: "string", default: "0" },
    tasks: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "keeper-long-"));
const base = join(folder, "runs");
const logs = join(folder, "logs");
mkdirSync(logs);
const census = openCensus({ scratch: [base] });
const problems: string[] = [];
try {
  await frames(Number(values.frames), Number(values.seed));
  await tasks(Number(values.tasks));
  // Objects without a process cannot be told from those of others on this machine.
  const { left } = await census.waitUntilEmpty(censusDeadlineMs, { what: "processes" });
  const found = [...left.processes, ...left.scratch];
  say(`census: ${found.length} left`);
  if (found.length > 0) problems.push(`left: ${JSON.stringify(found)}`);
} finally {
  // Also where a keeper has ended over it: then this is the reason.
  for (const name of readdirSync(logs))
    problems.push(`the sanitizers say: ${readFileSync(join(logs, name), "utf8")}`);
  rmSync(folder, { recursive: true, force: true });
  for (const problem of problems) say(`NOT AS IT SHOULD BE: ${problem}`);
}
process.exitCode = problems.length === 0 ? 0 : 1;

async function frames(count: number, firstSeed: number): Promise<void> {
  if (count === 0) return;
  const binary = buildSanitized(folder);
  const began = performance.now();
  let sent = 0;
  for (let seed = firstSeed; sent < count; seed++) {
    const env = { ...process.env, ...census.env, ...sanitizerEnv(logs) };
    const keeper = await new KeeperProcess(binary, base, { env }).ready();
    const some = Math.min(framesPerKeeper, count - sent);
    const { starts, started, refused, ended } = await sendNonsense(keeper, some, seed);
    const { descriptors } = measure(keeper.pid);
    const { code, signal, stderr } = await keeper.close();
    sent += some;
    say(
      `frames: ${sent} sent, seed ${seed}: ${starts} START, ${refused} refused, ` +
        `${started} started, ${ended} ended, ${descriptors} descriptors at the end, exit ${code}`,
    );
    if (started + refused !== starts || ended !== started) problems.push("answers are missing");
    if (code !== 0 || signal !== null || stderr !== "")
      problems.push(`the keeper ended with ${code ?? signal}: ${stderr}`);
  }
  problems.push(...runsBelow(base).map((name) => `a run is left: ${name}`));
  say(`frames: ${Math.round((performance.now() - began) / 1000)} s`);
}

async function tasks(count: number): Promise<void> {
  if (count === 0) return;
  const env = { ...process.env, ...census.env };
  const keeper = await new KeeperProcess(buildPlain(folder), base, { env }).ready();
  const result = await runManyTasks(keeper, count, (done) => {
    if (done % 10_000 !== 0) return;
    const { rssBytes, descriptors } = measure(keeper.pid);
    say(`tasks: ${done}, ${rssBytes / 1024} KiB resident, ${descriptors} descriptors`);
  });
  const { code } = await keeper.close();
  const [rssBefore, rssAfter] = result.rssBytes;
  const [descriptorsBefore, descriptorsAfter] = result.descriptors;
  say(
    `tasks: ${count} in ${Math.round(result.seconds)} s; resident ${rssBefore / 1024} KiB after a ` +
      `tenth, ${rssAfter / 1024} KiB after all; descriptors ${descriptorsBefore}, ${descriptorsAfter}`,
  );
  if (result.odd > 0) problems.push(`${result.odd} tasks did not end plainly`);
  if (rssAfter - rssBefore > roomBytes) problems.push("the keeper has grown");
  if (descriptorsAfter !== descriptorsBefore) problems.push("descriptors are open");
  if (code !== 0) problems.push(`the keeper ended with ${code}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
