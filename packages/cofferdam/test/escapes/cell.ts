/** One cell of the matrix: a trick under a way, and what the census finds of it afterwards. */
import { spawnSync } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openScope, type TaskError, type TaskResult } from "cofferdam";
import {
  openCensus,
  type Census,
  type Comparison,
  type ProcessEntry,
} from "../../../../lab/census/index.ts";
import { describeProcess } from "../../../../lab/census/format.ts";
import { readLink } from "../../../../lab/census/processes.ts";
import { listSysv } from "../../../../lab/census/objects.ts";
import { killExactly } from "../../../../lab/kill.ts";
import type { Mode, TrickName, Way } from "./catalogue.ts";

export interface Cell {
  readonly trick: TrickName;
  readonly mode: Mode;
}

export interface Place {
  /** Where the compiled programs lie. */
  readonly programs: string;
  /** A folder that the user of the cells may write to. */
  readonly folder: string;
}

export interface Finding extends Cell {
  readonly outcome: string;
  readonly durationMs: number;
  /** Everything that is left of it on the machine, in words. */
  readonly left: readonly string[];
  /** What the scope's own report says. */
  readonly reported: {
    readonly left: number;
    readonly verified: boolean;
    readonly cgroup: boolean;
  };
  readonly leaks: readonly string[];
}

/** A trick that is not done when its deadline comes shows nothing; it gets a longer one. */
const deadlinesMs = [300, 1_000, 4_000, 16_000];
const graceMs = 50;
/** Nothing of a trick lives longer: what took as long was ended by nobody. See `trick.h`. */
const lifetimeMs = 12_000;
/** How long what is dying may take. Other work may have the machine. */
const emptyWithinMs = 3_000;
const cleanWithinMs = 25_000;

/** Runs the trick, counts, and then cleans by exact identity. */
export async function runCell(cell: Cell, way: Way, place: Place): Promise<Finding> {
  for (const deadlineMs of deadlinesMs) {
    const finding = await attempt(cell, way, place, deadlineMs);
    if (finding) return finding;
  }
  throw new Error(`${cell.trick} was not done within ${deadlinesMs.at(-1) ?? 0} ms`);
}

async function attempt(
  { trick, mode }: Cell,
  way: Way,
  place: Place,
  deadlineMs: number,
): Promise<Finding | null> {
  const traces = new Traces(trick, place);
  await using scope = await openScope();
  let scratch = "";
  const result: TaskResult | TaskError = await scope.exec(
    [traces.program, mode, traces.name, String(traces.key), way],
    {
      env: { ...traces.census.env, PATH: "/usr/local/bin:/usr/bin:/bin" },
      cwd: "/",
      timeout: mode === "stay" ? deadlineMs : "60s",
      grace: graceMs,
      reject: false,
      onStart: (running) => (scratch = running.scratch),
    },
  );
  const report = await scope.close();
  const left = await traces.left(scratch);
  if (deadlineMs < lifetimeMs && result.durationMs >= lifetimeMs)
    left.push(`processes, until they ended by themselves after ${lifetimeMs} ms`);
  await traces.clean(scratch);
  if (result.exitCode === 99) throw new Error(`${trick} does not work here: ${result.stderr}`);
  if (!result.stdout.includes("READY\n")) return null;
  return {
    trick,
    mode,
    outcome: result.outcome,
    durationMs: Math.round(result.durationMs),
    left,
    reported: {
      left: report.processes.left,
      verified: report.processes.verified,
      cgroup: report.containment.cgroup === "task",
    },
    leaks: [...new Set(report.leaks.map(({ kind }) => kind))],
  };
}

/** What a cell may leave, each by something that is this cell's alone. */
export class Traces {
  readonly census: Census;
  readonly name = `cofferdam-escape-${randomUUID()}`;
  /** Of System V objects. */
  readonly key = randomInt(1, 2 ** 31 - 1);
  /** A copy of its own, so that `/proc/<pid>/exe` tells the cell whatever else is cleared. */
  readonly program: string;
  readonly #folder: string;
  readonly #place: Place;

  constructor(trick: TrickName, place: Place) {
    this.#place = place;
    this.#folder = join(place.folder, this.name);
    mkdirSync(this.#folder);
    this.program = join(this.#folder, trick);
    copyFileSync(join(place.programs, trick), this.program);
    this.census = openCensus({ markers: [this.#folder], scratch: [] });
  }

  async left(scratch: string): Promise<string[]> {
    const found = await this.census.waitUntilEmpty(emptyWithinMs, { what: "processes" });
    return [
      ...found.left.processes.map(({ process }) => `process ${describeProcess(process)}`),
      ...this.#leaderless(found).map(
        (process) => `process ${describeProcess(process)}, has threads`,
      ),
      ...this.#files().map((path) => `file ${path}`),
      ...this.#sysv().map(({ kind, id }) => `sysv ${kind} ${id}`),
      ...(this.#removeQueue() ? ["message queue"] : []),
      ...(scratch !== "" && existsSync(scratch) ? [`scratch ${scratch}`] : []),
      ...mountsBelow(scratch).map((path) => `mount ${path}`),
    ];
  }

  /** Ends and removes what is left, and only what the cell is proven to have made. */
  async clean(scratch: string): Promise<void> {
    const end = performance.now() + cleanWithinMs;
    for (;;) {
      const found = this.census.compare();
      const living = [
        ...found.left.processes.map(({ process }) => process),
        ...this.#leaderless(found),
      ];
      if (living.every(({ zombie }) => zombie) || performance.now() > end) break;
      for (const process of living) killExactly(process);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const path of mountsBelow(scratch)) spawnSync("umount", [path]);
    for (const path of this.#files()) rmSync(path);
    for (const { kind, id } of this.#sysv())
      spawnSync("ipcrm", [{ sem: "-s", shm: "-m", msg: "-q" }[kind], String(id)]);
    rmSync(this.#folder, { recursive: true });
  }

  /** A process whose main thread has ended shows neither environment nor program: threads do. */
  #leaderless({ unattributed }: Comparison): ProcessEntry[] {
    return unattributed.processes.filter(
      ({ exe, pid }) => exe === null && threadOf(pid, this.#folder),
    );
  }

  #files(): string[] {
    const names = [this.name, `sem.${this.name}`];
    return names.map((name) => join("/dev/shm", name)).filter((path) => existsSync(path));
  }

  #sysv(): ReturnType<typeof listSysv> {
    return listSysv().filter(({ key }) => key === this.key);
  }

  #removeQueue(): boolean {
    return spawnSync(join(this.#place.programs, "queue"), [this.name]).status === 0;
  }
}

export function mountsBelow(folder: string): string[] {
  if (folder === "") return [];
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${folder}/`));
}

/** Whether a thread of the process still runs a program in the folder. */
function threadOf(pid: number, folder: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) =>
      (readLink(`/proc/${pid}/task/${thread}/exe`) ?? "").startsWith(folder),
    );
  } catch {
    return false; // gone
  }
}
