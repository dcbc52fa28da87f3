/**
 * Kills runs of a pipeline at random moments and lets the next go on, until all is done; then again
 * with a fresh one. After each kill: do the counts add up, is what is at its place whole, was
 * anything done again that had been recorded?
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findItems, loadPipeline, readStatus } from "cofferdam";
import { openCensus, type Census } from "../census/index.ts";
import { createPrng, type Prng } from "../chaos/prng.ts";
import { endLeftovers } from "../kill.ts";
import { readOutputs, tornOutputs } from "./outputs.ts";
import { Project } from "./project.ts";

const cli = fileURLToPath(new URL("../../packages/cofferdam/bin/cofferdam.js", import.meta.url));
const goneWithinMs = 10_000;
/** A run of a few dozen items that takes longer than this hangs. */
const endsWithinMs = 300_000;

export interface ResumeOptions {
  readonly kills: number;
  readonly items: number;
  readonly seed: number;
  readonly onKill?: (kill: Kill) => void;
}

export interface Kill {
  readonly number: number;
  readonly atMs: number;
  /** Items that were recorded as done when it was dead. */
  readonly done: number;
  readonly violations: readonly string[];
}

export interface ResumeResult {
  readonly kills: readonly Kill[];
  /** What a run from the beginning takes: the shortest of those that came to their end. */
  readonly expectedMs: number;
  /** Pipelines that were brought to their end although killed. */
  readonly completed: number;
  readonly violations: readonly string[];
}

export async function killAndResume(options: ResumeOptions): Promise<ResumeResult> {
  const { items, seed } = options;
  const undisturbed = await runUndisturbed(items);
  const { reference } = undisturbed;
  let { expectedMs } = undisturbed;
  const kills: Kill[] = [];
  const ends: string[] = [];
  let completed = 0;
  let attempts = 0;
  while (kills.length < options.kills) {
    using project = new Project(items);
    const subject = new Subject(project, reference);
    for (let fresh = true; kills.length < options.kills; fresh = false) {
      const number = kills.length + 1;
      const atMs = momentOf(createPrng(seed, ++attempts), expectedMs);
      const attempt = await subject.killAt(number, atMs);
      if ("endedAfterMs" in attempt) {
        // The undisturbed run came first, and may have waited for the disk: then all would end in time.
        if (fresh) expectedMs = Math.min(expectedMs, attempt.endedAfterMs);
        break;
      }
      options.onKill?.(attempt);
      kills.push(attempt);
    }
    ends.push(...(await subject.complete()));
    completed++;
  }
  const violations = [...kills.flatMap((kill) => kill.violations), ...ends];
  return { kills, expectedMs, completed, violations };
}

/** Evenly over the run, its start-up included. */
function momentOf(prng: Prng, expectedMs: number): number {
  return Math.floor(prng.next() * expectedMs);
}

async function runUndisturbed(
  items: number,
): Promise<{ reference: ReadonlyMap<string, string>; expectedMs: number }> {
  using project = new Project(items);
  const since = performance.now();
  const child = startRun(project, {});
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`the undisturbed run ended with ${code ?? "a signal"}`);
  return { reference: readOutputs(project.folder), expectedMs: performance.now() - since };
}

function startRun(project: Project, env: NodeJS.ProcessEnv): ReturnType<typeof spawn> {
  const args = ["--conditions=cofferdam-source", cli, "run", project.file, "--progress", "none"];
  return spawn(process.execPath, args, { stdio: "ignore", env: { ...process.env, ...env } });
}

/** Whether it ends by itself within the time; if not, it is killed. */
async function endsWithin(child: ReturnType<typeof spawn>, ms: number): Promise<boolean> {
  const exited = once(child, "exit");
  const ended = await Promise.race([exited.then(() => true), delay(ms, false, { ref: false })]);
  child.kill("SIGKILL");
  await exited;
  return ended;
}

/** One pipeline on its way to its end, through many kills. */
class Subject {
  readonly #project: Project;
  readonly #reference: ReadonlyMap<string, string>;
  /** `STAGE ITEM` of what was recorded as done by runs that are over. */
  #recorded = new Set<string>();
  #marksSeen = 0;

  constructor(project: Project, reference: ReadonlyMap<string, string>) {
    this.#project = project;
    this.#reference = reference;
  }

  /** How long the run took when it came to its end, soundly, before its moment. */
  async killAt(number: number, atMs: number): Promise<Kill | { readonly endedAfterMs: number }> {
    const census = openCensus({ scratch: [] });
    const since = performance.now();
    const child = startRun(this.#project, census.env);
    const ended = await endsWithin(child, atMs);
    const endedAfterMs = performance.now() - since;
    const violations = await this.#check(census);
    if (ended && violations.length === 0) return { endedAfterMs };
    return { number, atMs, done: this.#recorded.size, violations };
  }

  /** Lets it come to its end. Gives what is wrong then. */
  async complete(): Promise<string[]> {
    const census = openCensus({ scratch: [] });
    const child = startRun(this.#project, census.env);
    const ended = await endsWithin(child, endsWithinMs);
    const violations = await this.#check(census);
    if (!ended) violations.push(`the last run had not ended after ${endsWithinMs} ms`);
    else if (child.exitCode !== 0)
      violations.push(`the last run ended with ${child.exitCode ?? "a signal"}`);
    const { size } = readOutputs(this.#project.folder);
    if (size !== this.#reference.size)
      violations.push(`${this.#reference.size - size} outputs are missing at the end`);
    return violations;
  }

  async #check(census: Census): Promise<string[]> {
    const violations: string[] = [];
    const report = await census.waitUntilEmpty(goneWithinMs);
    if (report.emptyAfterMs === null) {
      const left = await endLeftovers(census, goneWithinMs);
      violations.push(
        `still there after ${goneWithinMs} ms: ${report.count} (${left.length} stay)`,
      );
    }
    const torn = tornOutputs(readOutputs(this.#project.folder), this.#reference);
    for (const path of torn) violations.push(`unfinished or altered: ${path}`);
    const begun = this.#project.marks().slice(this.#marksSeen);
    this.#marksSeen += begun.length;
    for (const mark of begun)
      if (this.#recorded.has(mark)) violations.push(`done again although recorded: ${mark}`);
    const loaded = await loadPipeline(this.#project.file);
    for (const stage of (await readStatus(loaded)).stages) {
      const { discovered, done, failed, quarantined, pending } = stage;
      if (done + failed + quarantined + pending !== discovered || failed + quarantined > 0)
        violations.push(`the counts of ${stage.stage} are wrong: ${JSON.stringify(stage)}`);
    }
    for (const mark of new Set(this.#project.marks())) {
      const [stage = "", ...item] = mark.split(" ");
      const [found] = await findItems(loaded, `${stage}:${item.join(" ")}`);
      if (found?.state === "done") this.#recorded.add(mark);
    }
    return violations;
  }
}
