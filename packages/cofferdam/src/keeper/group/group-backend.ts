import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { timerMs } from "../../clock.ts";
import { CofferdamError, errorCode, errorMessage } from "../../errors/index.ts";
import type {
  Backend,
  BackendEvents,
  ContainedProcess,
  Containment,
  EndCause,
  Leak,
  ProcessEnd,
  ProcessSpec,
  StuckProcess,
} from "../backend.ts";
import { Listeners } from "../listeners.ts";
import { withScratch } from "../start-fields.ts";
import { GroupLedger } from "./group-ledger.ts";
import type { ObjectList } from "./object-lists.ts";
import { cookieName, ProcessTree } from "./process-tree.ts";
import { SharedObjects } from "./shared-objects.ts";

const settleMs = 100;
const sampleMs = 100;

const stdioNames = { null: "ignore", pipe: "pipe", inherit: "inherit" } as const;

/**
 * The portable way, where there is no keeper: process groups, an environment cookie and looking
 * often. It ends what it sees, and promises no more. When this process is killed its tasks live on
 * until the next start sweeps them.
 */
export class GroupBackend implements Backend {
  readonly containment: Containment = {
    tree: "group",
    ipc: "host",
    proc: "host",
    memory: "polled",
    pids: "polled",
    cgroup: "none",
  };
  readonly shortfall: string;
  readonly ownProcesses = 0;
  readonly #ledger: GroupLedger;
  readonly #listeners = new Listeners<BackendEvents>();
  readonly #running = new Set<GroupTask>();
  #nextTask = 1;
  #left = 0;

  private constructor(ledger: GroupLedger, shortfall: string) {
    this.#ledger = ledger;
    this.shortfall = shortfall;
  }

  static async open(base: string, shortfall: string): Promise<GroupBackend> {
    return new GroupBackend(await GroupLedger.open(base), shortfall);
  }

  async start(spec: ProcessSpec): Promise<ContainedProcess> {
    refuseUnsupported(spec);
    const id = this.#nextTask++;
    const scratch = this.#ledger.scratch(id);
    const cookie = `${this.#ledger.name}.${id}`;
    const objects = SharedObjects.list();
    const child = spawn(spec.command[0] ?? "", spec.command.slice(1), {
      cwd: spec.cwd,
      env: { ...withScratch(spec.env, scratch), [cookieName]: cookie },
      // Its own session and group, but for a command that shares our terminal.
      detached: !sharesTerminal(spec),
      stdio: [
        ...spec.stdio.map((mode) => stdioNames[mode]),
        ...(spec.channel ? ["pipe" as const] : []),
      ],
    });
    const failure = await new Promise<Error | null>((resolve) => {
      child.once("spawn", () => resolve(null)).once("error", resolve);
    });
    const task: GroupTask = new GroupTask(child, spec, cookie, scratch, objects, failure, {
      sampled: () => this.#sample(),
      ended: (end) => this.#onEnd(id, task, end),
    });
    this.#ledger.started(id, task.pid);
    this.#running.add(task);
    return task;
  }

  /** Before anybody is told of the end: then the scratch folder is gone too. */
  #onEnd(id: number, task: GroupTask, end: ProcessEnd): readonly Leak[] {
    this.#running.delete(task);
    this.#left += end.left;
    if (this.#ledger.ended(id)) return [];
    this.#listeners.call(
      "notice",
      "warning",
      `the scratch folder ${task.scratch} could not be removed`,
    );
    return [{ kind: "scratch", name: task.scratch, how: "own-folder", action: "left" }];
  }

  listen(listener: Partial<BackendEvents>): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<number> {
    for (const task of this.#running) task.stop(0);
    await Promise.all(Array.from(this.#running, (task) => task.ended));
    this.#ledger.close();
    return this.#left;
  }

  #sample(): void {
    let bytes = 0;
    for (const task of this.#running) bytes += task.memoryBytes;
    this.#listeners.call("memorySampled", bytes);
  }
}

class GroupTask implements ContainedProcess {
  readonly pid: number;
  readonly stdin;
  readonly stdout;
  readonly stderr;
  readonly channel: Socket | null;
  readonly bulkFile = null;
  readonly scratch: string;
  readonly ended: Promise<ProcessEnd>;
  memoryBytes = 0;
  readonly #child: ChildProcess;
  readonly #spec: ProcessSpec;
  readonly #tree: ProcessTree;
  readonly #objects: SharedObjects;
  readonly #onSample: () => void;
  readonly #started: boolean;
  #cause: EndCause = "own";
  #watching: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #over = false;
  #grace: NodeJS.Timeout | undefined;
  #hurry = (): void => undefined;

  constructor(
    child: ChildProcess,
    spec: ProcessSpec,
    cookie: string,
    scratch: string,
    objects: ObjectList | null,
    failure: Error | null,
    listener: { sampled: () => void; ended: (end: ProcessEnd) => readonly Leak[] },
  ) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.stdin = child.stdin;
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    this.channel = (child.stdio[3] as Socket | undefined) ?? null;
    this.scratch = scratch;
    this.#spec = spec;
    this.#objects = new SharedObjects(this.pid, objects);
    this.#tree = new ProcessTree(this.pid, cookie, !sharesTerminal(spec), (members) =>
      this.#objects.look(members),
    );
    this.#started = failure === null;
    this.#onSample = listener.sampled;
    const end = failure ? Promise.resolve(notStarted(failure, spec)) : this.#live(child);
    this.ended = end.then((known) => {
      const more = listener.ended(known);
      return { ...known, leaks: [...known.leaks, ...more] };
    });
    if (spec.timeoutMs !== undefined && !failure) this.setDeadline(spec.timeoutMs);
  }

  stop(graceMs: number): void {
    this.#end("stopped", graceMs);
  }

  setDeadline(ms: number | null): void {
    clearTimeout(this.#deadline);
    if (ms === null) return;
    // Later ones are set again.
    const now = timerMs(ms);
    this.#deadline = setTimeout(
      () => (ms > now ? this.setDeadline(ms - now) : this.#end("timeout", this.#spec.graceMs)),
      now,
    );
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#started) this.#tree.signal(signal);
  }

  onStopped(): void {
    // Without a group of its own the command stops together with us.
  }

  resume(): void {
    this.#tree.signal("SIGCONT");
  }

  unref(): void {
    this.#child.unref();
    this.#watching?.unref();
    for (const one of [this.stdin, this.stdout, this.stderr, this.channel])
      (one as Socket | null)?.unref();
  }

  #end(cause: EndCause, graceMs: number): void {
    if (!this.#started || this.#over) return;
    if (this.#cause === "own") this.#cause = cause;
    clearTimeout(this.#grace);
    if (graceMs === 0) {
      this.#hurry();
      return;
    }
    this.#tree.signal("SIGTERM");
    this.#tree.signal("SIGCONT");
    this.#grace = setTimeout(() => this.#hurry(), timerMs(graceMs));
  }

  async #live(child: ChildProcess): Promise<ProcessEnd> {
    const exit = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.once("exit", (code, signal) => resolve([code, signal])),
    );
    const killed: Awaited<ReturnType<ProcessTree["killAll"]>>[] = [];
    const hurried = new Promise<void>((resolve) => (this.#hurry = resolve));
    this.#watching = this.#watch(() => this.#hurry());
    const first = await Promise.race([exit, hurried]);
    if (!first) killed.push(await this.#tree.killAll());
    const [exitCode, signal] = await exit;
    const cause = this.#cause;
    this.#over = true; // what is asked for from now on comes too late
    clearTimeout(this.#deadline);
    clearInterval(this.#watching);
    const leaks = await this.#settle();
    killed.push(await this.#tree.killAll());
    const objects = await this.#objects.end();
    clearTimeout(this.#grace);
    this.memoryBytes = 0;
    // A process that was not seen may still hold the pipes; its output is nobody's.
    this.channel?.destroy();
    const all = killed.flatMap((round) => round.killed);
    const left = killed.at(-1)?.left ?? 0;
    return {
      cause,
      exitCode,
      signal,
      cpuMs: null,
      peakMemoryBytes: { value: this.#tree.peakBytes, method: "sampled" },
      started: { value: Math.max(1, this.#tree.seenCount), method: "lower-bound" },
      killed: all.length,
      left,
      leaks: [...(cause === "own" ? leaks : []), ...objects.leaks],
      unattributed: objects.unattributed,
      unseen: objects.unseen,
      stuck: left === 0 ? [] : await this.#findStuck(),
    };
  }

  /** What outlives the command by more than a settle time. */
  async #settle(): Promise<Leak[]> {
    const command = { pid: this.pid, name: this.#spec.command[0] ?? "" };
    const end = Date.now() + settleMs;
    // Twice: a process that is just becoming another program has no environment to know it by.
    for (let empty = 0; ;) {
      const rows = await this.#tree.look();
      empty = rows.length === 0 ? empty + 1 : 0;
      if (empty === 2) return [];
      if (Date.now() >= end) return rows.map((row) => this.#tree.describeLeak(row, command));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #findStuck(): Promise<StuckProcess[]> {
    const rows = await this.#tree.look();
    return rows.map(({ pid, name, state }) => ({ pid, name, state }));
  }

  #watch(overBound: () => void): NodeJS.Timeout {
    const look = async (): Promise<void> => {
      const rows = await this.#tree.look();
      this.memoryBytes = rows.reduce((sum, row) => sum + row.residentBytes, 0);
      this.#onSample();
      if (this.#spec.processesMax !== undefined && rows.length > this.#spec.processesMax) {
        if (this.#cause === "own") this.#cause = "processes";
        overBound();
        return;
      }
      if (this.#spec.memoryBytes === undefined || this.memoryBytes <= this.#spec.memoryBytes)
        return;
      if (this.#cause === "own") this.#cause = "memory";
      overBound();
    };
    let busy = false;
    return setInterval(() => {
      if (busy) return;
      busy = true;
      // A look that fails (no descriptors left) is no reason to end; the next one may not.
      look()
        .catch(() => undefined)
        .finally(() => (busy = false));
    }, sampleMs);
  }
}

/** What only a keeper can set between fork and exec. */
function refuseUnsupported({ cpus, openFiles, coreBytes }: ProcessSpec): void {
  if (cpus === undefined && openFiles === undefined && coreBytes === undefined) return;
  throw new CofferdamError(
    "CONTAINMENT_UNAVAILABLE",
    "bounds for CPUs, open files and core files need the keeper, and there is none here",
  );
}

function sharesTerminal(spec: ProcessSpec): boolean {
  return spec.stdio.includes("inherit");
}

function notStarted(failure: Error, { cwd }: ProcessSpec): ProcessEnd {
  // Node tells of both in the same words.
  const stage = existsSync(cwd) ? "exec" : "cwd";
  return {
    cause: "own",
    exitCode: null,
    signal: null,
    startFailure: { stage, code: errorCode(failure) ?? errorMessage(failure) },
    cpuMs: null,
    peakMemoryBytes: { value: 0, method: "sampled" },
    started: { value: 0, method: "exact" },
    killed: 0,
    left: 0,
    leaks: [],
    unattributed: [],
    unseen: [],
    stuck: [],
  };
}
