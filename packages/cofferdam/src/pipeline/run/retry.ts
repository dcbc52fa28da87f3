import { parseSize } from "../../units/index.ts";
import { failureCauses, type FailureCause, type Stage } from "../config/index.ts";

/** Decides after each failed try whether there is another, and with how much memory. */
export class Retries {
  readonly #on: ReadonlySet<FailureCause>;
  readonly #factor: number;
  #left: number;
  #memoryLeft: number;
  #losses = 10;
  memoryBytes: number | undefined;

  constructor(stage: Stage) {
    const { retry = {}, resources = {} } = stage;
    this.#on = new Set(retry.on ?? failureCauses.filter((cause) => cause !== "memory"));
    this.#left = retry.attempts ?? 0;
    this.#memoryLeft = retry.oom?.attempts ?? 0;
    this.#factor = Number(retry.oom?.memory?.slice(1) ?? 1);
    this.memoryBytes = resources.memory === undefined ? undefined : parseSize(resources.memory);
  }

  again(cause: FailureCause): boolean {
    if (cause === "memory" && this.#memoryLeft > 0) {
      this.#memoryLeft--;
      if (this.memoryBytes !== undefined)
        this.memoryBytes = Math.round(this.memoryBytes * this.#factor);
      return true;
    }
    return this.#on.has(cause) && this.#left-- > 0;
  }

  /** The keeper died: no fault of the item's, unless it happens again and again. */
  againAfterLoss(): boolean {
    return this.#losses-- > 0;
  }
}
