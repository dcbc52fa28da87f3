import { monotonicMs } from "../../clock.ts";
import { errorCode, errorMessage, type ErrorCode } from "../../errors/index.ts";
import type { Pool } from "../../pool/index.ts";
import { PoolTaskError } from "../../pool/index.ts";
import { causeOf } from "./command-executor.ts";
import { failed, type Executor, type Work, type WorkEnd } from "./executor.ts";

/** What a function of a pipeline is called with. */
export interface StageItem {
  /** What the item is called. */
  readonly key: string;
  /** Absolute path of the input; for items that are lines, the line. */
  readonly in: string;
  /** The inputs of a group, absolute; null in other stages. */
  readonly inputs: readonly string[] | null;
  /** Where to write the output (absolute); or give its content back. Null where there is none. */
  readonly out: string | null;
  /** The parameters that the stage tracks. */
  readonly params: Readonly<Record<string, unknown>>;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** What a stage's module exports, as far as it is called. */
export type StageFunctions = Readonly<Record<string, (item: StageItem) => unknown>>;

/** So many items are sent ahead for each worker, so that short ones do not wait for us. */
const aheadOfWorker = 256;

/** Calls a function for each item in warm workers. */
export class ModuleExecutor implements Executor {
  readonly capacity: number;
  readonly #pool: Pool<StageFunctions>;
  readonly #function: string;
  readonly #params: Readonly<Record<string, unknown>>;

  constructor(pool: Pool<StageFunctions>, name: string, params: Readonly<Record<string, unknown>>) {
    this.#pool = pool;
    this.#function = name;
    this.#params = params;
    this.capacity = pool.size * aheadOfWorker;
  }

  async run(work: Work): Promise<WorkEnd> {
    const { key, input, inputs, output, attempt, timeoutMs, signal, onStart } = work;
    const item: StageItem = {
      ...{ key, in: input, inputs, out: output, params: this.#params, attempt },
    };
    let startedAt = monotonicMs();
    const options = {
      signal,
      onStart: () => {
        startedAt = monotonicMs();
        onStart();
      },
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    };
    try {
      const value = await this.#pool.runWith(options, this.#function, item);
      const durationMs = monotonicMs() - startedAt;
      const content = contentOf(value);
      if (output === null || content === null)
        return { kind: "done", durationMs, peakMemoryBytes: null };
      return { kind: "done", content, encoding: "utf8", durationMs, peakMemoryBytes: null };
    } catch (error) {
      const code = errorCode(error) as ErrorCode | undefined;
      if (code === "CANCELLED" || code === "CLOSED") return { kind: "cancelled" };
      if (code === "KEEPER_LOST") return { kind: "lost" };
      if (!(error instanceof PoolTaskError)) throw error;
      return failed(causeOf(error.code), error.code, errorMessage(error), {
        stderr: error.remote?.stack ?? error.message,
        // A module without that function has it for no item.
        hopeless: error.code === "UNKNOWN_FUNCTION",
      });
    }
  }
}

function contentOf(value: unknown): string | Uint8Array | null {
  return typeof value === "string" || value instanceof Uint8Array ? value : null;
}
