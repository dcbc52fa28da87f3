import { monotonicMs } from "../../clock.ts";
import { CofferdamError, errorCode } from "../../errors/index.ts";
import type { CofferdamEvent, EventListener, ItemCounts } from "../../events/index.ts";
import { signalNumber } from "../../keeper/index.ts";
import type { Scope } from "../../open-scope.ts";
import {
  conventionalCodes,
  exitCodeOf,
  taskEnvironment,
  TaskError,
  type ExecOptions,
  type TaskResult,
} from "../../scope/index.ts";
import { DoneSet } from "../joblog/done-set.ts";
import { openJoblog, succeededCommands, type Joblog } from "../joblog/joblog.ts";
import { quoteCommand } from "../joblog/quote.ts";
import { InputQueue, type NumberedInput } from "./input-queue.ts";
import { openInputs, type InputSource } from "./inputs.ts";
import { OrderedOutput, type PassOn } from "./ordered-output.ts";
import { commandTemplate, type CommandTemplate } from "./placeholders.ts";

export interface MapCommandOptions {
  /** With placeholders: `{} {.} {/} {/.} {//} {#}`. Without any, the input becomes the last word. */
  readonly command: readonly string[];
  readonly inputs: InputSource;
  /** The byte that ends an input: a newline (the default) or 0. */
  readonly separator?: number;
  readonly workers: number;
  /** How often a job that failed is tried again. */
  readonly retries?: number;
  readonly joblog?: string;
  /** Leaves out what the joblog says has been done. Needs `joblog`. */
  readonly resume?: boolean;
  /** Output in the order of the inputs. */
  readonly keepOrder?: boolean;
  /**
   * What each job wrote. Without it, jobs write to this process's own output as it comes. A job is in
   * the joblog, and counted, when this has returned or resolved; when it throws or rejects, the run
   * ends with that.
   */
  readonly onOutput?: PassOn;
  /** How each job is contained. */
  readonly exec?: ExecOptions;
  readonly onEvent?: EventListener;
  /** Aborting it starts nothing more and ends what runs; that stays pending. */
  readonly signal?: AbortSignal;
}

export interface MapCommandResult {
  readonly counts: ItemCounts;
  readonly interrupted: boolean;
  readonly durationMs: number;
}

/** A task outlives so many keepers; more is no accident. */
const lossesMax = 10;

/**
 * Runs a command for each input, so many at once. A job that fails is counted and stops nothing
 * else. Rejects with `SPAWN` when the command itself is not there, with `OUTPUT` when the joblog
 * cannot be written, with `LOCKED` when another run writes to it.
 */
export async function runMap(
  scope: Pick<Scope, "exec">,
  options: MapCommandOptions,
): Promise<MapCommandResult> {
  if (options.resume && options.joblog === undefined)
    throw new CofferdamError("INVALID_ARGUMENT", "--resume needs the --joblog to resume from");
  const inputs = await openInputs(options.inputs, options.separator, options.signal);
  try {
    const { joblog, resume = false } = options;
    using log = joblog === undefined ? null : await openJoblog(joblog, { anew: !resume });
    using done =
      joblog !== undefined && resume ? await DoneSet.collect(succeededCommands(joblog)) : null;
    const run = new MapRun(scope, options, new InputQueue(inputs), log, done);
    return await run.all(inputs.total);
  } finally {
    inputs.close();
  }
}

class MapRun {
  readonly #scope: Pick<Scope, "exec">;
  readonly #options: MapCommandOptions;
  readonly #template: CommandTemplate;
  readonly #queue: InputQueue;
  readonly #log: Joblog | null;
  readonly #done: DoneSet | null;
  readonly #output: OrderedOutput;
  readonly #counts = { done: 0, skipped: 0, failed: 0 };
  /** Aborted by the caller, or by ourselves when the run cannot go on. */
  readonly #stop = new AbortController();
  readonly #exec: ExecOptions;
  readonly #lanes: Promise<void>[] = [];
  /** Why the run cannot go on. */
  #failure: { readonly reason: unknown } | undefined;
  #announced = 0;

  constructor(
    scope: Pick<Scope, "exec">,
    options: MapCommandOptions,
    queue: InputQueue,
    log: Joblog | null,
    done: DoneSet | null,
  ) {
    this.#scope = scope;
    this.#options = options;
    this.#template = commandTemplate(options.command);
    this.#queue = queue;
    this.#log = log;
    this.#done = done;
    const { onOutput } = options;
    this.#output = new OrderedOutput(options.keepOrder ?? false, (job) => onOutput?.(job));
    const mode = onOutput ? "capture" : "inherit";
    this.#exec = {
      ...withOneEnvironment(options.exec ?? {}),
      stdout: mode,
      stderr: mode,
      encoding: "latin1",
      reject: false,
      signal: this.#stop.signal,
    };
  }

  async all(total: number | null): Promise<MapCommandResult> {
    const since = monotonicMs();
    const { workers, signal, command } = this.#options;
    const onAbort = (): void => this.#stop.abort(signal?.reason);
    this.#stop.signal.addEventListener("abort", () => {
      this.#queue.close();
      // A lane that ends early leaves a gap that others must not wait for.
      this.#output.release();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    this.#emit({ type: "run-started", at: Date.now(), title: command[0] ?? "map", workers });
    if (total !== null) this.#announce(total, true);
    try {
      this.#openLane();
      for (const lane of this.#lanes) await lane; // it grows meanwhile
      if (this.#failure) throw this.#failure.reason;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    const { done, skipped, failed } = this.#counts;
    const known = total ?? this.#queue.read;
    if (total === null) this.#announce(known, true);
    const counts: ItemCounts = {
      ...{ total: known, done, skipped, failed },
      ...{ quarantined: 0, pending: known - done - skipped - failed },
    };
    const durationMs = monotonicMs() - since;
    const interrupted = signal?.aborted ?? false;
    this.#emit({ type: "run-finished", at: Date.now(), durationMs, interrupted, counts });
    return { counts, interrupted, durationMs };
  }

  /** One more with each input that is taken: there may be far more workers than inputs. */
  #openLane(): void {
    if (this.#lanes.length < this.#options.workers) this.#lanes.push(this.#lane());
  }

  async #lane(): Promise<void> {
    try {
      for (;;) {
        const next = await this.#queue.take();
        if (next === null || this.#stop.signal.aborted) return;
        this.#openLane();
        if (this.#options.inputs.kind === "stdin") this.#announce(this.#queue.read, false);
        if (!(await this.#output.mayStart(next.number))) return;
        await this.#job(next);
      }
    } catch (error) {
      this.#failure ??= { reason: error };
      this.#stop.abort(error);
    }
  }

  async #job({ input, number }: NumberedInput): Promise<void> {
    const name = input ?? `input ${number}`;
    const since = monotonicMs();
    if (input === null) {
      const error = { code: "INVALID_ARGUMENT", message: "it is not valid UTF-8" };
      this.#counts.failed++;
      this.#finish(name, 0, { outcome: "failed", error });
      await this.#output.finish(number, null);
      return;
    }
    const command = this.#template(input, number);
    const quoted = this.#log ? quoteCommand(command) : "";
    if (this.#done?.take(quoted)) {
      this.#counts.skipped++;
      this.#finish(name, 0, { outcome: "skipped", reason: "in the joblog" });
      await this.#output.finish(number, null);
      return;
    }
    const startedAtMs = Date.now();
    const result = await this.#attempts(name, command);
    if (result === null) return; // cut off: the next run does it
    const failure = result instanceof CofferdamError ? result : null;
    const task = "outcome" in result ? result : null;
    const durationMs = monotonicMs() - since;
    const entry = {
      ...{ number, startedAtMs, durationMs, command: quoted },
      receivedBytes: task?.stdout.length ?? 0,
      ...joblogEnd(task),
    };
    const error = failure && { code: failure.code, message: failure.message };
    const output = task && { stdout: task.stdout, stderr: task.stderr };
    await this.#output.finish(number, output, () => {
      this.#log?.append(entry);
      if (error) this.#counts.failed++;
      else this.#counts.done++;
      this.#finish(name, durationMs, error ? { outcome: "failed", error } : { outcome: "done" });
    });
  }

  /** Runs a job until it ends well or has had its tries. Null when it was cut off. */
  async #attempts(
    name: string,
    command: readonly string[],
  ): Promise<TaskResult | CofferdamError | null> {
    let losses = 0;
    for (let attempt = 1; ;) {
      this.#emit({ type: "item-started", at: Date.now(), item: name, attempt });
      let result: TaskResult;
      try {
        result = await this.#scope.exec(command, this.#exec);
      } catch (error) {
        if (this.#stop.signal.aborted) return null;
        // What this one's words made impossible, not what would meet every job.
        if (["INVALID_ARGUMENT", "SPAWN"].includes(errorCode(error) ?? ""))
          return error as CofferdamError;
        throw error;
      }
      if (this.#stop.signal.aborted && result.outcome === "cancelled") return null;
      if (result.outcome === "lost" && ++losses <= lossesMax) continue;
      if (result.truncated) return tooMuchOutput(result);
      if (!(result instanceof TaskError)) return result;
      this.#refuseMissingCommand(result);
      if (attempt++ > (this.#options.retries ?? 0)) return result;
    }
  }

  /** A command that is not there is not there for any input. */
  #refuseMissingCommand(error: TaskError): void {
    const [word = ""] = this.#options.command;
    if (error.startFailure?.stage !== "exec" || word !== error.command[0]) return;
    throw new CofferdamError("SPAWN", error.message, { cause: error });
  }

  #announce(total: number, final: boolean): void {
    if (total === this.#announced && !final) return;
    this.#announced = total;
    this.#emit({ type: "items-discovered", at: Date.now(), total, final });
  }

  #finish(
    item: string,
    durationMs: number,
    end: Pick<Extract<CofferdamEvent, { type: "item-finished" }>, "outcome" | "reason" | "error">,
  ): void {
    this.#emit({ type: "item-finished", at: Date.now(), item, durationMs, ...end });
  }

  #emit(event: CofferdamEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** Each job gets the same environment; putting it together for each of them costs a good part of a start. */
function withOneEnvironment(exec: ExecOptions): ExecOptions {
  if (exec.threads !== undefined) return exec; // its variables come between ours and the caller's
  return { ...exec, env: taskEnvironment(exec.env, exec.inheritEnv), inheritEnv: false };
}

function joblogEnd(task: TaskResult | null): { exitCode: number; signal: number } {
  if (task === null) return { exitCode: conventionalCodes.own, signal: 0 };
  const signal = task.outcome === "failed" && task.signal ? signalNumber(task.signal) : 0;
  if (signal > 0) return { exitCode: 0, signal };
  if (!(task instanceof CofferdamError)) return { exitCode: 0, signal };
  // A command may end with 0 and fail all the same, as with too much output: 0 is for what is done.
  return { exitCode: exitCodeOf(task) || conventionalCodes.own, signal };
}

function tooMuchOutput(result: TaskResult): TaskError {
  return new TaskError(
    "OUTPUT",
    "it wrote more than is kept in memory, so its output was not passed on whole; let jobs write by themselves with --ungroup",
    result,
  );
}
