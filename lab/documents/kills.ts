import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { failureCodes } from "@cofferdam/documents";
import { installMarker } from "../../apps/documents/test/support/marker.ts";
import { type Census, describeProcess } from "../census/index.ts";
import { checkOutputs, type Outputs, readOutputs } from "../chaos/outputs.ts";
import { makePlace, openPlace, type Place } from "../chaos/place.ts";
import { createPrng, type Prng } from "../chaos/prng.ts";
import { type RunningCommand, startSubject, type Subject } from "../chaos/subject.ts";
import { CLEANUP_DEADLINE_MS, endLeftovers, killExactly } from "../kill.ts";
import { writeDocuments } from "./papers.ts";
import { BATCH_VICTIMS, type BatchVictim, findBatchVictims } from "./victims.ts";

const cli = fileURLToPath(new URL("../../packages/cofferdam/bin/cofferdam.js", import.meta.url));

/** What a death condemns may be seen for so long. */
const goneWithinMs = 10_000;

export interface KillsOptions {
  readonly kills: number;
  readonly seed: number;
  readonly documents?: number;
  readonly onKill?: (kill: BatchKill) => void;
}

/** One run of a batch that was struck. */
export interface BatchKill {
  readonly number: number;
  readonly victim: BatchVictim;
  readonly atMs: number;
  /** Documents that were there, whole, when the struck run was over. */
  readonly converted: number;
  /** Codes of the documents that failed in it. */
  readonly failed: readonly string[];
  /** What must not be, in words. */
  readonly violations: readonly string[];
}

export interface KillsReport {
  readonly documents: number;
  readonly seed: number;
  readonly expectedMs: number;
  readonly kills: readonly BatchKill[];
  /** Moments at which the run was over, or had no such process any more. */
  readonly missed: number;
}

/**
 * Kills one process of a run that sends its documents through one Marker, at a random moment, again
 * and again. Each document must be converted then, or have failed with its cause, or be converted
 * by the next run; none may be there half, and nothing be left.
 */
export async function killBatches(folder: string, options: KillsOptions): Promise<KillsReport> {
  const { documents = 8, seed } = options;
  const { bin } = installMarker(join(folder, "marker"), { loadSeconds: 0.2, convertSeconds: 0.1 });
  const papers = join(folder, "papers");
  writeDocuments(papers, documents);
  const subject = batchSubject(papers, bin, documents);
  const { reference, expectedMs } = await runUndisturbed(subject);
  const kills: BatchKill[] = [];
  let missed = 0;
  while (kills.length < options.kills) {
    const victim = BATCH_VICTIMS[kills.length % BATCH_VICTIMS.length] ?? "command";
    const number = kills.length + 1;
    const prng = createPrng(seed, number + missed);
    const kill = await playRound({ number, victim, subject, reference, expectedMs, prng });
    if (kill === null) {
      missed += 1;
      continue;
    }
    options.onKill?.(kill);
    kills.push(kill);
  }
  return { documents, seed, expectedMs, kills, missed };
}

function batchSubject(papers: string, marker: string, documents: number): Subject {
  return {
    suffix: ".md",
    command: (out) => [
      ...[process.execPath, "--conditions=cofferdam-source", cli, "documents", papers],
      ...["--out", out, "--engine", "marker", "--marker", marker, "--workers", "2"],
      ...["--batch", String(documents), "--timeout", "60s", "--progress", "none"],
      ...["--report", `${out}.report.json`],
    ],
  };
}

async function runUndisturbed(
  subject: Subject,
): Promise<{ reference: Outputs; expectedMs: number }> {
  using place = makePlace();
  const since = performance.now();
  const run = await startSubject(subject, place.out, openPlace(place).env);
  const { code } = await run.ended;
  if (code !== 0) throw new Error(`the undisturbed run ended with ${code ?? "a signal"}`);
  const expectedMs = Math.round(performance.now() - since);
  return { reference: readOutputs(place.out, subject.suffix), expectedMs };
}

interface Setting {
  readonly number: number;
  readonly victim: BatchVictim;
  readonly subject: Subject;
  readonly reference: Outputs;
  readonly expectedMs: number;
  readonly prng: Prng;
}

/** Null when the run had no such process any more. */
async function playRound(setting: Setting): Promise<BatchKill | null> {
  const { number, victim, subject, reference, expectedMs, prng } = setting;
  using place = makePlace();
  const { census, env } = openPlace(place);
  const run = await startSubject(subject, place.out, env);
  const watch = census.watch(run.pid);
  const atMs = await strike(victim, Math.round(prng.next() * expectedMs), prng, run);
  await run.ended;
  watch.stop();
  if (atMs === null) {
    await endLeftovers(census, CLEANUP_DEADLINE_MS);
    return null;
  }
  const violations = victim === "command" ? await checkNobody(census) : [];
  const after = readOutputs(place.out, subject.suffix);
  for (const path of checkOutputs(after, reference).torn)
    violations.push(`unfinished or altered: ${path}`);
  const failed = victim === "command" ? [] : readFailures(place, reference.size, violations);
  if (victim !== "command" && after.size + failed.length !== reference.size)
    violations.push(`${after.size} converted and ${failed.length} failed of ${reference.size}`);
  violations.push(...(await checkNextRun(setting, place, env)));
  const report = await census.waitUntilEmpty(goneWithinMs);
  if (report.emptyAfterMs === null) violations.push(`left at the end: ${describeLeft(report)}`);
  await endLeftovers(census, CLEANUP_DEADLINE_MS);
  return { number, victim, atMs, converted: after.size, failed, violations };
}

/** Kills one such process, at the moment or as soon after it as there is one. */
async function strike(
  victim: BatchVictim,
  momentMs: number,
  prng: Prng,
  run: RunningCommand,
): Promise<number | null> {
  const since = performance.now();
  await Promise.race([delay(momentMs), run.ended]);
  while (!run.hasEnded()) {
    const target = prng.pick(findBatchVictims(victim, run.pid));
    if (target && killExactly(target)) return Math.round(performance.now() - since);
    await delay(2);
  }
  return null;
}

/** With the command everything ends, at once. */
async function checkNobody(census: Census): Promise<string[]> {
  const report = await census.waitUntilEmpty(goneWithinMs, { what: "processes" });
  return report.emptyAfterMs === null ? [`still there: ${describeLeft(report)}`] : [];
}

/** The codes of what failed. The report must account for each document and name each cause. */
function readFailures(place: Place, documents: number, violations: string[]): string[] {
  const file = `${place.out}.report.json`;
  if (!existsSync(file)) {
    violations.push("the run ended without a report");
    return [];
  }
  const { counts, failures, scope } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly counts: Readonly<Record<"total" | "done" | "skipped" | "failed", number>>;
    readonly failures: readonly { readonly code: string; readonly message: string }[];
    readonly scope: { readonly processes: { readonly left: number } };
  };
  if (counts.total !== documents || counts.done + counts.failed !== documents)
    violations.push(`the counts do not add up: ${JSON.stringify(counts)}`);
  for (const { code, message } of failures)
    if (!failureCodes.includes(code) || message === "")
      violations.push(`failed without its cause: ${code} ${message}`);
  if (scope.processes.left > 0) violations.push(`the report says ${scope.processes.left} left`);
  return failures.map(({ code }) => code);
}

/** Whatever was cut off or failed is converted by the next run, and what is there is not again. */
async function checkNextRun(
  { subject, reference }: Setting,
  place: Place,
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const run = await startSubject(subject, place.out, env);
  const { code } = await run.ended;
  const { torn, missing } = checkOutputs(readOutputs(place.out, subject.suffix), reference);
  const state = join(place.out, ".cofferdam");
  return [
    ...(code === 0 ? [] : [`the next run ended with ${code ?? "a signal"}: ${run.stderrTail()}`]),
    ...torn.map((path) => `unfinished or altered after the next run: ${path}`),
    ...missing.map((path) => `missing after the next run: ${path}`),
    ...(existsSync(join(state, "marker")) ? ["copies for Marker are left"] : []),
    ...readdirSync(join(state, "unfinished")).map((name) => `half a result is left: ${name}`),
  ];
}

function describeLeft({ left }: ReturnType<Census["compare"]>): string {
  const { processes, ...objects } = left;
  const things = Object.entries(objects).flatMap(([kind, entries]) =>
    entries.length > 0 ? [`${entries.length} × ${kind}`] : [],
  );
  return [...processes.map((entry) => describeProcess(entry.process)), ...things].join("; ");
}
