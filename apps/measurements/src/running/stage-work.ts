import { join } from "node:path";
import type { EventListener } from "cofferdam";
import { Accounting } from "./accounting.ts";
import { bootId } from "./boot-id.ts";
import { decide } from "./decide.ts";
import type { InputStamp } from "./inputs.ts";
import { OutputWriter } from "./outputs.ts";
import { runInWorkers, type WorkEnd, type WorkOptions } from "./run-in-workers.ts";
import type { RunState } from "./run-state.ts";
import type { StageResult } from "./stage-result.ts";

/** What a stage records of an input that it did. */
interface Done {
  readonly status: "ok";
}

/** What it records of one that it cannot do. */
interface Refused {
  readonly status: string;
  readonly code: string;
  readonly message: string;
}

/** What a worker says of an input: the result, and the bytes that gave it. */
export type Outcome<Result> = Result & {
  readonly source: string;
  /** Null when the input could not even be read. */
  readonly stamp: InputStamp | null;
  readonly hash: string | null;
};

/** Who gave a result: a worker just now, the run that is taken up again, or one before it. */
export type ResultFrom = "workers" | "this run" | "before";

export interface StageWorkOptions {
  readonly workers: number;
  /** Works on what has not changed, too. */
  readonly force: boolean;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/**
 * A stage's way through its inputs, whatever it makes of them: it decides by what is recorded which
 * ones to work on, has that done in workers, records and counts what became of each.
 */
export abstract class StageWork<Module, Task, Ok extends Done, No extends Refused> {
  protected readonly state: RunState<Ok | No>;
  protected readonly sources: readonly string[];
  protected readonly accounting: Accounting;
  protected readonly writer: OutputWriter;
  readonly #options: StageWorkOptions;
  readonly #recipe: string;
  #run = 0;
  #isAfterUnended = false;

  constructor(
    title: StageResult["title"],
    state: RunState<Ok | No>,
    sources: readonly string[],
    recipe: string,
    options: StageWorkOptions,
  ) {
    this.state = state;
    this.sources = sources;
    this.#recipe = recipe;
    this.#options = options;
    this.writer = new OutputWriter(join(state.unfinished, "main"));
    this.accounting = new Accounting(title, sources.length, options.workers, options.onEvent);
  }

  /** What its workers run. */
  protected abstract readonly module: URL;
  /** Does tasks in a worker. */
  protected abstract readonly inWorker: WorkOptions<Module, Task, Outcome<Ok | No>>["work"];
  /** Files that must be there for a result to stand. */
  protected abstract outputsOf(result: Ok): readonly string[];
  protected abstract taskFor(source: string, earlier: Ok | No | undefined): Task;
  /** What becomes of a task that no worker could do. */
  protected abstract lose(task: Task, cause: string, why: string): Outcome<No>;
  /** Counts a result. */
  protected abstract count(source: string, result: Ok, from: ResultFrom): void;
  /**
   * Called when all is done and recorded, before the processes end. `mayBeNew`: this run has done
   * something, or one before it has and did not come to this point.
   */
  protected abstract finish(mayBeNew: boolean): Promise<void>;

  /** Decides what there is to do. */
  plan(): Task[] {
    const { force } = this.#options;
    const { run, isAfterUnended } = this.state.beginRun(runKey(this.#recipe, force));
    this.#run = run;
    this.#isAfterUnended = isAfterUnended;
    const how = { recipe: this.#recipe, run, force };
    const tasks: Task[] = [];
    for (const source of this.sources) {
      const row = this.state.find(source);
      const outputs = row && isOk(row.result) ? this.outputsOf(row.result) : [];
      const decision = decide(row, source, outputs, how);
      this.accounting.because(decision.work ? decision.reason : decision.because);
      if (decision.work) tasks.push(this.taskFor(source, row?.result));
      else if (row)
        this.#count(source, row.result, decision.because === "run" ? "this run" : "before");
    }
    return tasks;
  }

  /** Does what was planned. Resolves when every process is gone. */
  async work(tasks: readonly Task[]): Promise<StageResult> {
    const end = await this.#workIn(tasks);
    if (!end.interrupted) this.state.endRun(this.#run);
    return this.accounting.close(end);
  }

  #workIn(tasks: readonly Task[]): Promise<WorkEnd> {
    const { workers, onEvent, signal } = this.#options;
    return runInWorkers<Module, Task, Outcome<Ok | No>>({
      module: this.module,
      workers,
      tasks,
      work: this.inWorker,
      explainLost: (task, error) => this.lose(task, error.code, error.message),
      onOutcomes: (outcomes) => this.#record(outcomes),
      beforeEnd: () => this.finish(tasks.length > 0 || this.#isAfterUnended),
      onEvent,
      signal,
    });
  }

  #record(outcomes: readonly Outcome<Ok | No>[]): void {
    const common = { recipe: this.#recipe, run: this.#run };
    const rows = outcomes.map(({ source, stamp, hash, ...result }) => ({
      ...common,
      source,
      stamp,
      hash,
      result: result as unknown as Ok | No, // an outcome is a result and these three
    }));
    this.state.record(rows);
    for (const { source, result } of rows) this.#count(source, result, "workers");
  }

  #count(source: string, result: Ok | No, from: ResultFrom): void {
    if (isOk(result)) this.count(source, result, from);
    else this.accounting.refused({ source, code: result.code, message: result.message });
  }
}

function isOk<Ok extends Done>(result: Ok | Refused): result is Ok {
  return result.status === "ok";
}

/**
 * Runs of one key go on where the other was. What a run did before the machine went down may not have
 * reached the disk, and what one without `--force` skipped or did is what `--force` asks for again.
 */
function runKey(recipe: string, force: boolean): string {
  return `${recipe}${force ? " forced" : ""} ${bootId()}`;
}
