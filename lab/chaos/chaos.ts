import { type Census, describeProcess } from "../census/index.ts";
import { CLEANUP_DEADLINE_MS, endLeftovers } from "../kill.ts";
import { defaultPhases, drawMoment, type Moment, type Phase, type Timing } from "./moments.ts";
import { checkOutputs, listFiles, type Outputs, readOutputs } from "./outputs.ts";
import { createPrng } from "./prng.ts";
import { makePlace, openPlace } from "./place.ts";
import { type Strike, strike, whenGone } from "./strike.ts";
import { type CommandEnd, startSubject, type Subject } from "./subject.ts";
import { runUndisturbed } from "./undisturbed.ts";
import type { VictimKind } from "./victims.ts";

export interface ChaosOptions {
  readonly subject: Subject;
  readonly victim: VictimKind;
  readonly times: number;
  readonly seed: number;
  /** The number of the first round; a round depends on the seed and its number alone. */
  readonly first?: number;
  /** From where the moments are drawn; by default see {@link defaultPhases}. */
  readonly phases?: (victim: VictimKind, timing: Timing) => readonly Phase[];
  /** How long whatever a death condemns may still be seen. Default 2000. */
  readonly goneWithinMs?: number;
  /** When a run counts as hanging. Default: ten times the undisturbed run, and at least 60 s. */
  readonly hangMs?: number;
  readonly onRound?: (round: Round) => void;
  /** Ends the rounds early, after the first for which it is true. */
  readonly bail?: (round: Round) => boolean;
}

export interface Round {
  readonly number: number;
  readonly moment: Moment;
  /** Milliseconds from the start of the command to the kill; `null` if the run ended before. */
  readonly struckAtMs: number | null;
  /** Milliseconds from the kill until all that it condemns was gone. */
  readonly goneAfterMs: number | null;
  /** How many finished files were there when the first run was over. */
  readonly finished: number;
  /** What must not be, in words. */
  readonly violations: readonly string[];
}

export interface ChaosResult {
  readonly victim: VictimKind;
  readonly seed: number;
  /** How long the undisturbed run took. */
  readonly expectedMs: number;
  /** How many files it made. */
  readonly outputs: number;
  /** What the two undisturbed runs left, all kinds of things together. Should be 0. */
  readonly undisturbedLeft: number;
  readonly rounds: readonly Round[];
}

interface Setting extends ChaosOptions {
  readonly reference: Outputs;
  readonly files: readonly string[];
  readonly phasesOfRun: readonly Phase[];
  readonly goneMs: number;
  readonly hangAfterMs: number;
}

/**
 * Kills a part of a running command at random moments, and checks after each kill that nothing of
 * it is left, that no unfinished file can be seen, and that the work gets done all the same.
 */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { reference, files, timing, left } = await runUndisturbed(options.subject);
  const setting: Setting = {
    ...options,
    reference,
    files,
    phasesOfRun: (options.phases ?? defaultPhases)(options.victim, timing),
    goneMs: options.goneWithinMs ?? 2_000,
    hangAfterMs: options.hangMs ?? Math.max(60_000, 10 * timing.expectedMs),
  };
  const rounds: Round[] = [];
  const first = options.first ?? 1;
  for (let number = first; number < first + options.times; number += 1) {
    const round = await playRound(setting, number);
    options.onRound?.(round);
    rounds.push(round);
    if (options.bail?.(round) === true) break;
  }
  const { victim, seed } = options;
  return {
    victim,
    seed,
    expectedMs: timing.expectedMs,
    outputs: reference.size,
    undisturbedLeft: left,
    rounds,
  };
}

async function playRound(setting: Setting, number: number): Promise<Round> {
  const { subject, victim, seed, reference, goneMs } = setting;
  const prng = createPrng(seed, number);
  const moment = drawMoment(setting.phasesOfRun, prng);
  const violations: string[] = [];
  using place = makePlace();
  const { census, env } = openPlace(place);

  const command = await startSubject(subject, place.out, env);
  const watch = census.watch(command.pid, WATCH_MS);
  const hit = await strike(victim, moment, prng, command);
  const condemned = await condemnedGone(victim, hit, census, goneMs);
  if (hit !== null && condemned.goneAfterMs === null) {
    violations.push(`still there after ${goneMs} ms: ${condemned.left.join("; ")}`);
  }
  const end = await endOf(command, setting.hangAfterMs);
  if (end === null) violations.push("the run hangs");
  if (hit === null && end?.code !== 0) {
    violations.push(`the run failed before it was struck: ${command.stderrTail().trim()}`);
  }
  const after = readOutputs(place.out, subject.suffix);
  const { torn, missing } = checkOutputs(after, reference);
  for (const path of torn) violations.push(`unfinished or altered: ${path}`);
  if (!isFatal(victim) && missing.length > 0) {
    violations.push(
      `the run did not complete (${missing.length} missing, exit ${end?.code ?? "by signal"}): ${command.stderrTail().trim()}`,
    );
  }
  violations.push(...(await completeSet(setting, place.out, env)));
  watch.stop();
  const report = await census.waitUntilEmpty(goneMs);
  if (report.emptyAfterMs === null) {
    const { processes, ...objects } = report.left;
    const names = processes.map((entry) => describeProcess(entry.process));
    const things = Object.entries(objects)
      .filter(([, entries]) => entries.length > 0)
      .map(([kind, entries]) => `${entries.length} × ${kind}`);
    violations.push(`left at the end: ${[...names, ...things].join("; ")}`);
  }
  const own = await endLeftovers(census, CLEANUP_DEADLINE_MS);
  if (own.length > 0) {
    violations.push(`the harness could not end: ${own.map(describeProcess).join("; ")}`);
  }
  return {
    number,
    moment,
    struckAtMs: hit?.sinceStartMs ?? null,
    goneAfterMs: condemned.goneAfterMs,
    finished: after.size,
    violations,
  };
}

/** How often descendants are looked at while the run goes on. */
const WATCH_MS = 50;

/** With the command the run is over, and only the next one can complete the set. */
function isFatal(victim: VictimKind): boolean {
  return victim === "command" || victim === "both";
}

/** A dead command condemns everything; a dead keeper or worker what was below it. */
async function condemnedGone(
  victim: VictimKind,
  hit: Strike | null,
  census: Census,
  goneMs: number,
): Promise<{ goneAfterMs: number | null; left: readonly string[] }> {
  if (hit === null) return { goneAfterMs: null, left: [] };
  if (isFatal(victim)) {
    const report = await census.waitUntilEmpty(goneMs, { what: "processes" });
    const left = report.left.processes.map((entry) => describeProcess(entry.process));
    return { goneAfterMs: report.emptyAfterMs, left };
  }
  const goneAfterMs = await whenGone(hit.doomed, goneMs);
  return { goneAfterMs, left: hit.doomed.map((entry) => `${entry.pid} ${entry.comm}`) };
}

/** The next run over the same folder must end well and leave the whole set. */
async function completeSet(
  { subject, reference, files, hangAfterMs }: Setting,
  out: string,
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const next = await startSubject(subject, out, env);
  const end = await endOf(next, hangAfterMs);
  const { torn, missing } = checkOutputs(readOutputs(out, subject.suffix), reference);
  const strays = listFiles(out).filter((path) => !files.includes(path));
  const tail = next.stderrTail().trim();
  return [
    ...(end === null ? ["the next run hangs"] : []),
    ...(end !== null && end.code !== 0
      ? [`the next run ended with ${end.signal ?? end.code ?? "?"}: ${tail}`]
      : []),
    ...torn.map((path) => `unfinished or altered after the next run: ${path}`),
    ...missing.map((path) => `missing after the next run: ${path}`),
    ...strays.map((path) => `no undisturbed run leaves this: ${path}`),
  ];
}

/** `null` for a command that did not end in time; it is killed then. */
async function endOf(
  command: { readonly ended: Promise<CommandEnd>; readonly child: { kill(s: "SIGKILL"): boolean } },
  hangAfterMs: number,
): Promise<CommandEnd | null> {
  const { promise: hang, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), hangAfterMs);
  const end = await Promise.race([command.ended, hang]);
  clearTimeout(timer);
  if (end === null) {
    command.child.kill("SIGKILL");
    await command.ended;
  }
  return end;
}
