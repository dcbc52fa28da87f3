import type { Budget } from "../budget/index.ts";
import { monotonicMs } from "../clock.ts";
import type { CofferdamEvent, EventListener, TreeContainment } from "../events/index.ts";
import { CofferdamError } from "../errors/index.ts";
import { keepAlive } from "../keep-alive.ts";
import { acquireBackend } from "../keeper/index.ts";
import type {
  Backend,
  ContainedProcess,
  Containment,
  IpcSharing,
  ProcessSpec,
} from "../keeper/index.ts";
import { refuseAborted } from "./bounds.ts";
import { openBudget, type BudgetOptions } from "./budget.ts";
import { Tally, type ScopeReport } from "./report.ts";
import { SharedIpc } from "./shared-ipc.ts";
import { outcomeOf } from "./task-result.ts";
import type { WorkerService } from "./worker-service.ts";

export interface ScopeOptions {
  /** Refuses to open (`CONTAINMENT_UNAVAILABLE`) where less than this can be had. */
  readonly containment?: TreeContainment;
  /** Receives everything that happens in the scope. */
  readonly onEvent?: EventListener;
  /** Aborting it cancels every task in the scope. */
  readonly signal?: AbortSignal;
  /** What all pools of the scope may use together. Without it only their sizes are bounded. */
  readonly budget?: BudgetOptions;
  /** Closing rejects with `LEAK` when a task left processes or objects behind. */
  readonly failOnLeak?: boolean;
}

/** A process, and with whom it shares IPC objects: with nobody by default, where that can be had. */
export type LaunchSpec = Omit<ProcessSpec, "ipc"> & { readonly ipc?: IpcSharing };

type WithoutTime<Event> = Event extends CofferdamEvent ? Omit<Event, "at"> : never;

/**
 * A lifetime. What is started in it is gone when it has closed: `close` resolves after the backend
 * has confirmed the end of every process. Pools and `exec` are built on `launch`.
 */
export class ScopeCore {
  /** What tasks in pools can ask for, by name; always the same one. */
  readonly services = new Map<string, () => WorkerService>();
  readonly budget: Budget | undefined;
  readonly #backend: Backend;
  readonly #release: () => Promise<number>;
  readonly #options: ScopeOptions;
  readonly #tally = new Tally();
  readonly #sharedIpc: SharedIpc;
  readonly #running = new Set<ContainedProcess>();
  readonly #starting = new Set<Promise<ContainedProcess>>();
  readonly #closers = new Set<() => Promise<void>>();
  readonly #unlisten: () => void;
  readonly #ended = new AbortController();
  #nextTask = 1;
  #closing: Promise<ScopeReport> | undefined;

  static async open(options: ScopeOptions): Promise<ScopeCore> {
    refuseAborted(options.signal);
    const budget = options.budget && openBudget(options.budget);
    const { backend, release } = await acquireBackend(options.containment);
    return new ScopeCore(backend, release, budget, options);
  }

  private constructor(
    backend: Backend,
    release: () => Promise<number>,
    budget: Budget | undefined,
    options: ScopeOptions,
  ) {
    this.#backend = backend;
    this.#release = release;
    this.#options = options;
    this.#sharedIpc = new SharedIpc(backend, (end) => this.#tally.holderEnded(end));
    this.budget = budget;
    this.#unlisten = backend.listen({
      memorySampled: (bytes) => {
        this.#tally.memorySampled(bytes);
        this.emit({ type: "memory-sampled", bytes });
      },
      keeperStarted: (pid) =>
        this.emit({ type: "keeper-started", pid, tree: backend.containment.tree }),
      keeperLost: (pid) => {
        this.#tally.keeperLost();
        this.emit({ type: "keeper-lost", pid });
      },
      notice: (level, message) => this.emit({ type: "notice", level, message }),
    });
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    // While it was being opened.
    if (options.signal?.aborted) this.#onAbort();
    endWithProgram(this);
    if (backend.shortfall !== "") {
      const message = `containment is \`${backend.containment.tree}\` only, which is never called verified: ${backend.shortfall}`;
      this.emit({ type: "notice", level: "warning", message });
    }
  }

  get containment(): Containment {
    return this.#backend.containment;
  }

  get shortfall(): string {
    return this.#backend.shortfall;
  }

  /** Aborted when the scope begins to close or its own signal is. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  emit(event: WithoutTime<CofferdamEvent>): void {
    this.#options.onEvent?.({ at: Date.now(), ...event });
  }

  /** Starts a process tree that ends, at the latest, with the scope. Rejects with `CLOSED`. */
  async launch(spec: LaunchSpec): Promise<ContainedProcess> {
    this.#refuseWhenClosed();
    const startedAt = monotonicMs();
    const starting = this.#start(spec);
    this.#starting.add(starting);
    const contained = await starting.finally(() => this.#starting.delete(starting));
    const task = this.#nextTask++;
    this.#tally.taskStarted(spec.ipc);
    this.#running.add(contained);
    this.emit({ type: "task-started", task, pid: contained.pid, command: spec.command });
    void contained.ended.then((end) => {
      this.#running.delete(contained);
      this.#tally.taskEnded(end);
      const outcome = outcomeOf(end);
      const durationMs = monotonicMs() - startedAt;
      this.emit({ type: "task-ended", task, outcome, durationMs, left: end.left });
    });
    if (this.signal.aborted) contained.stop(0);
    return contained;
  }

  #start({ ipc, ...spec }: LaunchSpec): Promise<ContainedProcess> {
    if (ipc === "scope") return this.#sharedIpc.start(spec);
    return this.#backend.start(ipc === "host" ? { ...spec, ipc } : spec);
  }

  /** Registers what must be closed before the scope's processes are ended. Returns the undoing. */
  onClose(close: () => Promise<void>): () => void {
    this.#refuseWhenClosed();
    this.#closers.add(close);
    return () => void this.#closers.delete(close);
  }

  /** What has happened so far. After `close` it is final. */
  report(): ScopeReport {
    return this.#tally.report(this.containment, this.shortfall, this.#backend.ownProcesses);
  }

  /** Ends everything in the scope. Resolves when all of it is gone. */
  close(): Promise<ScopeReport> {
    return (this.#closing ??= keepAlive(this.#close()));
  }

  async #close(): Promise<ScopeReport> {
    unclosed.delete(this);
    if (unclosed.size === 0) process.off("beforeExit", closeAll);
    this.#ended.abort(new CofferdamError("CANCELLED", "the scope was closed"));
    await Promise.all(Array.from(this.#closers, (close) => close()));
    await Promise.allSettled(this.#starting);
    for (const process of this.#running) process.stop(0);
    await Promise.all(Array.from(this.#running, (process) => process.ended));
    await this.#sharedIpc.close();
    this.#unlisten();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#tally.left(await this.#release());
    const report = this.report();
    if (this.#options.failOnLeak && report.leaks.length > 0) throw leakError(report);
    return report;
  }

  readonly #onAbort = (): void => {
    this.#ended.abort(this.#options.signal?.reason);
  };

  #refuseWhenClosed(): void {
    if (this.#closing) throw new CofferdamError("CLOSED", "the scope is closed");
  }
}

const unclosed = new Set<ScopeCore>();

/** Has the scope closed, if nobody else does, when the program has nothing left to do. */
function endWithProgram(scope: ScopeCore): void {
  if (unclosed.size === 0) process.on("beforeExit", closeAll);
  unclosed.add(scope);
}

function closeAll(): void {
  // What this rejects with is the program's uncaught error.
  for (const scope of unclosed) void scope.close();
}

function leakError(report: ScopeReport): CofferdamError {
  const names = report.leaks.slice(0, 5).map((leak) => `${leak.kind} ${JSON.stringify(leak.name)}`);
  const more = report.leaks.length > 5 ? `, and ${report.leaks.length - 5} more` : "";
  return new CofferdamError(
    "LEAK",
    `tasks left behind, and Cofferdam removed: ${names.join(", ")}${more}`,
  );
}
