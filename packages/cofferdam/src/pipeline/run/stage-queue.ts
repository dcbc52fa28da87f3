import { itemState, type ItemRow, type PipelineManifest } from "../manifest/index.ts";

const pageItems = 256;

/** What a stage has still to do: first what planning has found, a page at a time, then arrivals. */
export class StageQueue {
  readonly #manifest: PipelineManifest;
  readonly #stage: number;
  #page: ItemRow[] = [];
  #at = 0;
  #last = "";
  #arrivals: ItemRow[] = [];
  #arrivalsAt = 0;
  #exhausted = false;

  constructor(manifest: PipelineManifest, stage: number) {
    this.#manifest = manifest;
    this.#stage = stage;
  }

  /** Arrivals that wait, in memory. */
  get waiting(): number {
    return this.#arrivals.length - this.#arrivalsAt;
  }

  get isEmpty(): boolean {
    return this.waiting === 0 && this.#peekPage() === null;
  }

  /** An item that has been recorded as queued. */
  push(key: string, output: string | null): void {
    this.#arrivals.push({
      ...{ key, state: itemState.queued, output },
      ...{ recipe: null, stamp: null, hash: null },
    });
  }

  take(): ItemRow | null {
    const next = this.#peekPage();
    if (next !== null) {
      this.#at++;
      return next;
    }
    const arrival = this.#arrivals[this.#arrivalsAt] ?? null;
    if (arrival === null) return null;
    if (++this.#arrivalsAt > 4096) {
      this.#arrivals = this.#arrivals.slice(this.#arrivalsAt);
      this.#arrivalsAt = 0;
    }
    return arrival;
  }

  /** Looks at the manifest once more: planning has added to it. */
  reopen(): void {
    this.#exhausted = false;
    this.#last = "";
  }

  #peekPage(): ItemRow | null {
    if (this.#at >= this.#page.length && !this.#exhausted) {
      this.#page = this.#manifest.pendingAfter(this.#stage, this.#last, pageItems);
      this.#at = 0;
      this.#last = this.#page.at(-1)?.key ?? this.#last;
      this.#exhausted = this.#page.length === 0;
    }
    return this.#page[this.#at] ?? null;
  }
}
