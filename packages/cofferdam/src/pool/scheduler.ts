/**
 *    submit ─▶ queue ─▶ the crew's workers ─▶ result / error ─▶ the caller
 *                ▲            │
 *                │            └─ a worker dies: its running task is told why, or tried again;
 *                └────────────── what it had not begun comes back, and loses nothing
 */
import type { Need, Share } from "../budget/index.ts";
import { CofferdamError, type ErrorCode } from "../errors/index.ts";
import { keepAlive } from "../keep-alive.ts";
import type { ProcessEnd } from "../keeper/index.ts";
import type { ScopeCore } from "../scope/index.ts";
import type { RemoteError } from "../worker/messages.ts";
import { Crew, type CrewOwner } from "./crew.ts";
import { JobQueue } from "./job-queue.ts";
import type { Callee, Job, JobOwner, RetryCause } from "./job.ts";
import type { PoolSettings } from "./options.ts";
import type { PoolWorker } from "./pool-worker.ts";
import { cancelled, PoolTaskError, remoteCode } from "./task-error.ts";
import type { WorkerKind } from "./worker-kind.ts";

/** A task outlives so many keepers, or workers that never read of it; more is no accident. */
const lossesMax = 10;

const bystanderMessage =
  "its worker was ended because of the task before it, which was cancelled; it may have begun, and with `retries: { crash: 0 }` it is not tried again";

const causeOf: Partial<Record<ErrorCode, RetryCause>> = {
  CRASH: "crash",
  PROTOCOL: "crash",
  TIMEOUT: "timeout",
  MEMORY: "memory",
  TASK_FAILED: "error",
};

/** How often it is looked whether there is work, for which the program is kept running. */
const aliveMs = 100;

/** Gives jobs to workers, and judges what becomes of them. */
export class Scheduler implements CrewOwner, JobOwner {
  readonly crew: Crew;
  readonly #scope: ScopeCore;
  readonly #settings: PoolSettings;
  readonly #queue = new JobQueue();
  readonly #busy = new Map<PoolWorker, Share | undefined>();
  readonly #cpuNeed: Need;
  /** A worker that is not ready, and has a job already. */
  #early: PoolWorker | undefined;
  /** Of `#busy` those that have worked since they were given their share. */
  readonly #served = new Set<PoolWorker>();
  #planned = false;
  #stopWaiting: (() => void) | undefined;
  readonly #stopHearing: (() => void) | undefined;
  #unsettled = 0;
  #whenIdle: (() => void)[] = [];
  #alive: NodeJS.Timeout | undefined;
  broken: CofferdamError | undefined;
  closed = false;

  constructor(scope: ScopeCore, kind: WorkerKind, settings: PoolSettings) {
    this.#scope = scope;
    this.#settings = settings;
    this.#cpuNeed = { cpus: settings.threads, memoryBytes: 0, resources: {} };
    this.crew = new Crew(scope, kind, settings, this);
    this.#stopHearing = scope.budget?.onWaiting(() => this.#plan());
  }

  /** How many jobs keep all workers busy, when each is like those of late. */
  appetite(window: number): number {
    return this.crew.size * window * 2;
  }

  submit(job: Job): void {
    this.#unsettled++;
    this.#alive ??= this.#keepAlive();
    this.#queue.push(job);
    this.#plan();
  }

  /** The job was settled, by whomever. */
  onSettled(): void {
    if (--this.#unsettled > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Workers do not: there may be work and no worker, and an idle worker is no reason. */
  #keepAlive(): NodeJS.Timeout {
    return setInterval(() => {
      if (this.#unsettled === 0) this.#rested();
    }, aliveMs);
  }

  #rested(): void {
    clearInterval(this.#alive);
    this.#alive = undefined;
  }

  /** Resolves when every job that was submitted is settled. */
  async idle(): Promise<void> {
    if (this.#unsettled > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  cancel(job: Job): void {
    if (job.settled) return;
    job.cancelled = true;
    const { worker } = job;
    const runs = worker?.runs(job) === true;
    if (job.queued) this.#queue.remove(job);
    worker?.cancel(job);
    // One that runs is settled when it has ended, or its worker has.
    if (!runs || !job.each) job.fail(cancelled("it was cancelled before it started", job.attempts));
  }

  /** Takes back all that has not begun, and ends what runs. */
  async close(gracefully: boolean): Promise<void> {
    this.closed = true;
    this.#stopHearing?.();
    this.#stopWaiting?.();
    for (let job = this.#queue.shift(); job; job = this.#queue.shift())
      job.fail(cancelled("the pool was closed", job.attempts));
    await keepAlive(this.crew.close(gracefully));
    this.#rested();
  }

  /**
   * The first worker has the first job before it is ready. With others at work the job would wait
   * longer for this one than for one of them.
   */
  onStarting(worker: PoolWorker): void {
    const { head } = this.#queue;
    if (!worker.early || this.#earlyHeld > 0 || this.crew.ready.length > 0) return;
    if (!head || head.suspect || this.#scope.budget) return;
    this.#early = worker;
    this.#queue.remove(head);
    worker.give([head], true);
    this.crew.rouse(worker);
  }

  onReturned(job: Job): void {
    this.#takeBack(job);
    this.#plan();
  }

  onRoom(): void {
    this.#plan();
  }

  onFailure(job: Job, error: RemoteError): void {
    if (job.cancelled) job.fail(cancelled("it was cancelled", job.attempts));
    else this.#judge(job, remoteCode(error), error.message, error);
  }

  onWorkerGone(worker: PoolWorker, end: ProcessEnd): void {
    this.#rest(worker);
    const endedForAnother = worker.endedForAnother(end);
    const jobs = worker.jobs.splice(0);
    const suspects = worker.ready ? this.#suspects(jobs) : [];
    const [first] = suspects;
    // Backwards, so that the first is the first again.
    for (const job of jobs.slice(suspects.length).reverse()) this.#takeBack(job);
    const bounds = { timeoutMs: first?.timeoutMs, memoryBytes: this.#settings.memoryBytes };
    const { code, message } = worker.explain(end, bounds);
    // Ended for the sake of a task before them, which was done in that moment.
    const bystanders =
      endedForAnother || (code === "CANCELLED" && !first?.cancelled && !this.closed);
    // One that dies of being given a job, and does not read it, is told from a dead one by how often.
    const wasDead = first && code === "CRASH" && worker.neverRead(first) && !first.cancelled;
    if (wasDead && ++first.losses <= lossesMax) {
      first.attempts--;
      this.#takeBack(first);
    } else if (first && suspects.length === 1 && !bystanders) {
      this.#judge(first, code, message);
    } else {
      for (const job of suspects.reverse()) {
        if (bystanders && job.started && this.#settings.retries.crash === 0) {
          job.fail(new PoolTaskError("CRASH", bystanderMessage, job.attempts));
          continue;
        }
        if (job.started) job.attempts--; // not known to be its fault
        job.suspect ||= !bystanders;
        this.#takeBack(job);
      }
    }
    this.#plan();
  }

  onBroken(error: CofferdamError): void {
    this.broken = error;
    this.#stopWaiting?.();
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) job.fail(error);
  }

  /**
   * Those that may have been running when the worker died: one, unless their results were to be
   * told together. Which one it was shows when each is tried alone.
   */
  #suspects(jobs: readonly Job[]): Job[] {
    const exact = jobs.findIndex((job) => job.each);
    if (exact === 0) return jobs.slice(0, 1);
    return exact < 0 ? [...jobs] : jobs.slice(0, exact);
  }

  #takeBack(job: Job): void {
    job.takeBack();
    if (job.settled) return;
    if (this.closed) job.fail(cancelled("the pool was closed", job.attempts));
    else if (this.broken) job.fail(this.broken);
    else this.#queue.unshift(job);
  }

  /** A job has failed: again, or the end of it. */
  #judge(job: Job, code: ErrorCode, message: string, remote?: RemoteError): void {
    if (job.cancelled || this.closed) {
      job.fail(cancelled(this.closed ? "the pool was closed" : "it was cancelled", job.attempts));
      return;
    }
    const cause = causeOf[code];
    const again =
      (cause !== undefined && job.countFailure(cause) <= this.#settings.retries[cause]) ||
      (code === "KEEPER_LOST" && ++job.losses <= lossesMax);
    if (again) {
      this.#takeBack(job);
      this.#plan();
      return;
    }
    const { killed, callee } = job;
    const error = new PoolTaskError(code, message, job.attempts, remote, killed >= 2);
    if (error.quarantined)
      this.#scope.emit({
        type: "notice",
        level: "warning",
        message: `a call of \`${callee.name}\` has killed ${killed} workers and is not tried again (${code})`,
      });
    job.fail(error);
  }

  /** Looks for work to give when all that happens at this moment has happened. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    if (this.broken) this.#restIdle();
    if (this.closed || this.broken) return;
    const { ready } = this.crew;
    let idle = 0;
    for (const worker of ready) if (worker.jobs.length === 0) idle++;
    // Those that have nothing come first.
    for (let at = 0; at < ready.length && idle > 0 && this.#queue.length > 0; at++) {
      const worker = ready[at];
      if (!worker || worker.jobs.length > 0) continue;
      if (!this.#employ(worker)) break;
      if (this.#give(worker, idle--)) at--; // it was retired and left the list
    }
    if (this.#queue.length > 0) {
      this.crew.want(this.#queue.length + this.#earlyHeld);
      // A suspect waits for a worker of its own; a budget that others wait for is not held on to.
      if (!this.#queue.head?.suspect && !this.#scope.budget?.contended(this.#cpuNeed))
        for (const worker of [...ready]) this.#sendAhead(worker);
    } else if (idle > 0) this.#recall();
    if (this.#queue.length === 0) this.crew.yieldIdle();
    if (this.#queue.length === 0 || this.#scope.budget?.contended(this.#cpuNeed)) this.#restIdle();
  }

  /** How many jobs wait for a worker to be ready. */
  get #earlyHeld(): number {
    return this.#early?.ready === false ? this.#early.jobs.length : 0;
  }

  /** A job that waits for a worker to be ready is done sooner by one that has nothing to do. */
  #recall(): void {
    if (this.#earlyHeld > 0) this.#early?.recall();
    this.#early = undefined;
  }

  /** More for a worker that has nearly done what it has. */
  #sendAhead(worker: PoolWorker): void {
    const { head } = this.#queue;
    if (!head || head.suspect || head.large || !worker.batches || worker.jobs.length === 0) return;
    if (worker.jobs[0]?.suspect || this.#queue.length < this.crew.ready.length) return;
    const { window } = head.callee.pace;
    if (worker.jobs.length <= window / 2) this.#give(worker, this.crew.ready.length);
  }

  /**
   * Gives a worker its share of the queue, one of so many. True when it can be given no more ever.
   */
  #give(worker: PoolWorker, sharers: number): boolean {
    const jobs: Job[] = [];
    const held = worker.jobs.length;
    const room = Math.min(Math.ceil(this.#queue.length / sharers), this.crew.lifeLeft(worker));
    let each = this.#settings.retries.crash === 0;
    let most = 0;
    let callee: Callee | undefined;
    for (let head = this.#queue.head; head; head = this.#queue.head) {
      if (head.callee !== callee) {
        callee = head.callee;
        const { window, tiny } = callee.pace;
        most = Math.max(Math.min((worker.batches ? window : 1) - held, room), held > 0 ? 0 : 1);
        if (jobs.length < most) each ||= !tiny;
      }
      const isAlone = held + jobs.length === 0;
      if (jobs.length >= most || (!isAlone && (head.suspect || head.large))) break;
      this.#queue.remove(head);
      jobs.push(head);
      if (head.suspect) {
        each = true;
        break;
      }
    }
    if (jobs.length === 0) return false;
    worker.give(jobs, each);
    if (this.#busy.has(worker)) this.#served.add(worker);
    this.crew.rouse(worker);
    return worker.retired;
  }

  /** A worker counts against the budget's CPUs while it works. False: there is no room now. */
  #employ(worker: PoolWorker): boolean {
    const { budget } = this.#scope;
    if (!budget) return true;
    if (this.#busy.has(worker)) {
      if (!this.#served.has(worker) || !budget.contended(this.#cpuNeed)) return true;
      this.#rest(worker); // somebody else's turn
    }
    const share = budget.take(this.#cpuNeed);
    if (share) {
      this.#busy.set(worker, share);
      return true;
    }
    this.#stopWaiting ??= budget.whenFree(this.#cpuNeed, (given) => {
      this.#stopWaiting = undefined;
      const next = this.crew.ready.find((one) => one.jobs.length === 0 && !this.#busy.has(one));
      if (next) this.#busy.set(next, given);
      else given.release();
      this.#plan();
    });
    return false;
  }

  #restIdle(): void {
    for (const worker of this.#busy.keys()) if (worker.jobs.length === 0) this.#rest(worker);
  }

  #rest(worker: PoolWorker): void {
    this.#busy.get(worker)?.release();
    this.#busy.delete(worker);
    this.#served.delete(worker);
  }
}
