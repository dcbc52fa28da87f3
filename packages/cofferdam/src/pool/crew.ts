import {
  threadCaps,
  underMemoryPressure,
  visibleDevices,
  type Need,
  type Share,
} from "../budget/index.ts";
import { monotonicMs, timerMs } from "../clock.ts";
import { CofferdamError, errorMessage } from "../errors/index.ts";
import type { ProcessEnd } from "../keeper/index.ts";
import { jobsOf, taskEnvironment, type ScopeCore, type WorkerService } from "../scope/index.ts";
import { formatDuration } from "../units/index.ts";
import type { RemoteError } from "../worker/messages.ts";
import type { Job } from "./job.ts";
import { KilledStarts } from "./killed-starts.ts";
import type { PoolSettings } from "./options.ts";
import type { PoolWorker, WorkerOwner } from "./pool-worker.ts";
import { tail } from "./task-error.ts";
import type { WorkerKind } from "./worker-kind.ts";

/** What the crew tells whoever gives it work. */
export interface CrewOwner {
  /** A worker's process runs, and loads its module. */
  onStarting(worker: PoolWorker): void;
  /** A worker has become ready or has room, or there is room for another worker. */
  onRoom(): void;
  onReturned(job: Job): void;
  onFailure(job: Job, error: RemoteError): void;
  /** A worker's processes are gone; `worker.jobs` is what it had not done. */
  onWorkerGone(worker: PoolWorker, end: ProcessEnd): void;
  /** No worker can be started. */
  onBroken(error: CofferdamError): void;
}

/** So often in a row a worker may end before it is ready. */
const startFailuresMax = 3;
const pressureRetryMs = 500;

/** A pool's workers: started when wanted, replaced when worn, gone when closed. */
export class Crew implements WorkerOwner {
  readonly #scope: ScopeCore;
  readonly #kind: WorkerKind;
  readonly #settings: PoolSettings;
  readonly #owner: CrewOwner;
  readonly #closed = new AbortController();
  /** Ends the wait for room in the budget. */
  #unwanted = new AbortController();
  /** Every worker whose processes are not known to be gone. */
  readonly #all = new Set<PoolWorker>();
  readonly #shares = new Map<PoolWorker, Share>();
  readonly #idleTimers = new Map<PoolWorker, NodeJS.Timeout>();
  readonly #starts = new Set<Promise<void>>();
  /** Ended while they started, which says nothing of the module. */
  readonly #dismissed = new WeakSet<PoolWorker>();
  /** Workers that can be given work. */
  readonly ready: PoolWorker[] = [];
  #size: number;
  #startFailures = 0;
  readonly #killedStarts: KilledStarts;
  #peakBytes = 0;
  #pressureTimer: NodeJS.Timeout | undefined;

  constructor(scope: ScopeCore, kind: WorkerKind, settings: PoolSettings, owner: CrewOwner) {
    this.#scope = scope;
    this.#kind = kind;
    this.#settings = settings;
    this.#owner = owner;
    this.#size = settings.workers;
    this.#killedStarts = new KilledStarts(settings.startTimeoutMs);
  }

  get size(): number {
    return this.#size;
  }

  /** Fewer end when they have finished what they have; more start when there is work. */
  resize(size: number): void {
    this.#size = size;
    for (const worker of this.ready.slice(size)) this.retire(worker);
    this.#owner.onRoom();
  }

  /** Starts workers, as far as there may be more, so that so many are on their way. */
  want(count: number): void {
    let leaving = 0;
    for (const worker of this.#all) if (worker.finishing) leaving++;
    const room = this.#size - this.ready.length - leaving - this.#starts.size;
    let missing = Math.min(room, count - this.#starts.size);
    while (missing-- > 0 && !this.#closed.signal.aborted) {
      if (this.#mustWait()) return;
      this.#start();
    }
  }

  /** It finishes what it has and is replaced when there is work for another. */
  retire(worker: PoolWorker): void {
    worker.retired = true;
    this.onStop(worker);
    if (worker.jobs.length === 0) worker.close();
  }

  /** The worker has nothing to do. */
  rest(worker: PoolWorker): void {
    if (worker.retired) {
      worker.close();
      return;
    }
    const { idleTimeoutMs } = this.#settings;
    if (idleTimeoutMs === undefined || this.#idleTimers.has(worker)) return;
    const timer = setTimeout(() => this.retire(worker), timerMs(idleTimeoutMs)).unref();
    this.#idleTimers.set(worker, timer);
  }

  /**
   * There is no work for another worker: none waits for room in the budget, and where another pool
   * waits for what an idle one holds, that ends; one at a time.
   */
  yieldIdle(): void {
    const { budget } = this.#scope;
    if (!budget) return;
    if (this.#starts.size > 0) {
      this.#unwanted.abort();
      this.#unwanted = new AbortController();
    }
    if (!budget.contended(this.#lifelongNeed())) return;
    for (const worker of this.#all) if (worker.retired) return;
    const idle = this.ready.find((worker) => worker.jobs.length === 0);
    if (idle) this.retire(idle);
    else this.#dismissStarting();
  }

  /** Ends one that is not ready, and that nobody waits for any more. */
  #dismissStarting(): void {
    for (const worker of this.#all) {
      if (worker.ready || worker.jobs.length > 0) continue;
      this.#dismissed.add(worker);
      worker.stop(0);
      return;
    }
  }

  /** The worker has been given work. */
  rouse(worker: PoolWorker): void {
    if (this.#idleTimers.size > 0) this.#stopIdling(worker);
    if (worker.tasksGiven >= this.#settings.tasksPerWorker) this.retire(worker);
  }

  /** How many more tasks the worker may be given in its life. */
  lifeLeft(worker: PoolWorker): number {
    return this.#settings.tasksPerWorker - worker.tasksGiven;
  }

  /** Ends all workers: after their tear-down, for which they have the grace, or at once. */
  async close(gracefully: boolean): Promise<void> {
    this.#closed.abort(new CofferdamError("CLOSED", "the pool is closed"));
    clearTimeout(this.#pressureTimer);
    for (const timer of this.#idleTimers.values()) clearTimeout(timer);
    this.ready.length = 0;
    if (gracefully) for (const worker of this.#all) worker.close();
    else for (const worker of this.#all) worker.stop(0);
    await Promise.all(this.#starts);
    await Promise.all(Array.from(this.#all, (worker) => worker.ended));
  }

  onReady(worker: PoolWorker, problem: RemoteError | null): void {
    if (problem) {
      worker.stop(0);
      const what = `a worker could not load ${this.#kind.module}: ${problem.message}`;
      this.#startFailed(what + tail(worker.log), true);
      return;
    }
    this.#startFailures = 0;
    this.#killedStarts.clear();
    if (this.#closed.signal.aborted) worker.close();
    else if (this.ready.length >= this.#size) this.retire(worker);
    else if (!worker.retired) this.ready.push(worker);
    this.#owner.onRoom();
  }

  onReturned(job: Job): void {
    this.#owner.onReturned(job);
  }

  onFailure(job: Job, error: RemoteError): void {
    this.#owner.onFailure(job, error);
  }

  onRoom(worker: PoolWorker): void {
    if (worker.jobs.length === 0 && worker.ready) this.rest(worker);
    this.#owner.onRoom();
  }

  onStop(worker: PoolWorker): void {
    const index = this.ready.indexOf(worker);
    if (index >= 0) this.ready.splice(index, 1);
    this.#stopIdling(worker);
  }

  onBig(worker: PoolWorker): void {
    this.retire(worker);
  }

  onEnd(worker: PoolWorker, end: ProcessEnd): void {
    this.#all.delete(worker);
    this.onStop(worker);
    this.#shares.get(worker)?.release();
    this.#shares.delete(worker);
    this.#peakBytes = Math.max(this.#peakBytes, end.peakMemoryBytes.value);
    this.#owner.onWorkerGone(worker, end);
  }

  service(name: string): WorkerService | undefined {
    return this.#scope.services.get(name)?.();
  }

  #start(): void {
    const start = this.#bringUp().finally(() => {
      this.#starts.delete(start);
      this.#owner.onRoom();
    });
    this.#starts.add(start);
  }

  /** Starts a worker and waits until it can work, or cannot. Never rejects. */
  async #bringUp(): Promise<void> {
    let share: Share | undefined;
    let worker: PoolWorker;
    const unwanted = this.#unwanted.signal;
    try {
      share = await this.#scope.budget?.acquire(
        this.#lifelongNeed(),
        AbortSignal.any([this.#closed.signal, unwanted]),
      );
      worker = await this.#launch(share);
    } catch (error) {
      share?.release();
      if (!share && unwanted.aborted) return;
      this.#startFailed(`a worker could not be started: ${errorMessage(error)}`, true);
      return;
    }
    if (share) this.#shares.set(worker, share);
    this.#all.add(worker);
    if (this.#closed.signal.aborted) worker.stop(0);
    else this.#owner.onStarting(worker);
    await this.#untilReady(worker);
  }

  async #untilReady(worker: PoolWorker): Promise<void> {
    const { startTimeoutMs } = this.#settings;
    const startedAt = monotonicMs();
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      worker.stop(0);
    }, timerMs(startTimeoutMs)).unref();
    const end = await Promise.race([worker.readiness, worker.ended]);
    clearTimeout(timer);
    if (end === undefined || this.#closed.signal.aborted || end.cause === "keeper-lost") return;
    if (this.#dismissed.has(worker)) return;
    if (late.signal.aborted) {
      const after = formatDuration(startTimeoutMs);
      const what = `a worker had not loaded ${this.#kind.module} after ${after} and was ended`;
      this.#startFailed(what + tail(worker.log), true);
      return;
    }
    // Killed from outside is bad luck; anything else will happen again.
    if (end.cause === "killed" || (end.cause === "own" && end.signal === "SIGKILL"))
      await this.#startKilled(worker, startedAt);
    else this.#startEnded(worker, end);
  }

  async #startKilled(worker: PoolWorker, startedAt: number): Promise<void> {
    const killed = this.#killedStarts;
    const verdict = killed.add(startedAt, this.#size);
    const { module } = this.#kind;
    const isAlone = this.ready.length === 0; // others go on without it
    if (isAlone && verdict === "memory")
      this.#startFailed(
        `a worker for ${module} was killed while it started, for want of memory on this machine: give the pool fewer workers, or end what else runs`,
        false,
      );
    if (isAlone && verdict === "always")
      this.#startFailed(
        `for ${formatDuration(killed.forMs)} every worker for ${module} was killed by SIGKILL before it was ready, ${killed.count} of them: something outside does it, such as a guard of the machine's memory or a limit on CPU time${tail(worker.log)}`,
        true,
      );
    await killed.pause(this.#closed.signal);
  }

  #startEnded(worker: PoolWorker, end: ProcessEnd): void {
    const { message } = worker.explain(end, {
      timeoutMs: undefined,
      memoryBytes: this.#settings.memoryBytes,
    });
    const [program = ""] = this.#kind.command;
    const which = end.startFailure ? `: ${program}` : "";
    const final = end.cause === "memory" || end.startFailure !== undefined;
    this.#startFailed(`a worker for ${this.#kind.module} did not start: ${message}${which}`, final);
  }

  async #launch(share: Share | undefined): Promise<PoolWorker> {
    const settings = this.#settings;
    const mode = settings.output === "inherit" ? "inherit" : "pipe";
    const threads = Math.max(1, settings.threads);
    const env = taskEnvironment({
      ...threadCaps(threads),
      ...this.#kind.env,
      ...visibleDevices(share?.units ?? {}),
      ...settings.env,
    });
    // Nothing else can keep a process to some CPUs; the libraries in it are told all the same.
    const keeper = this.#scope.containment.tree !== "group";
    const process = await this.#scope.launch({
      command: this.#kind.command,
      cwd: globalThis.process.cwd(),
      env,
      ...jobsOf(this.#scope, settings.jobserver, threads, env),
      stdio: ["null", mode, mode],
      graceMs: settings.graceMs,
      ipc: settings.ipc,
      ...(settings.affinity === undefined || !keeper ? {} : { cpus: settings.affinity }),
      ...(settings.memoryBytes === undefined ? {} : { memoryBytes: settings.memoryBytes }),
      channel: this.#kind.channel,
    });
    const { init, recycleAbove, graceMs } = settings;
    // What speaks with a worker has time to load while the first one starts.
    const { PoolWorker } = await import("./pool-worker.ts").catch((error: unknown) => {
      process.stop(0);
      throw error;
    });
    return new PoolWorker(
      process,
      { module: this.#kind.module, init, recycleAbove, graceMs, early: this.#kind.early },
      this,
    );
  }

  /** What a worker holds for as long as it lives; CPUs only while it works. */
  #lifelongNeed(): Need {
    const memoryBytes = this.#settings.memoryBytes ?? this.#peakBytes;
    const most = this.#scope.budget?.limits.memoryBytes ?? Infinity;
    return {
      cpus: 0,
      memoryBytes: Math.min(memoryBytes, most),
      resources: this.#settings.resources,
    };
  }

  /** With one worker at least there is progress; for more the machine must have memory. */
  #mustWait(): boolean {
    if (this.ready.length + this.#starts.size === 0 || !underMemoryPressure()) return false;
    this.#pressureTimer ??= setTimeout(() => {
      this.#pressureTimer = undefined;
      this.#owner.onRoom();
    }, pressureRetryMs);
    return true;
  }

  #startFailed(message: string, final: boolean): void {
    if (this.#closed.signal.aborted || (!final && ++this.#startFailures < startFailuresMax)) return;
    this.#owner.onBroken(new CofferdamError("WORKER_START", message));
  }

  #stopIdling(worker: PoolWorker): void {
    clearTimeout(this.#idleTimers.get(worker));
    this.#idleTimers.delete(worker);
  }
}
