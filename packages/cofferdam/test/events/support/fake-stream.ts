import { Writable } from "node:stream";

/** A terminal, a pipe or a file, as far as a renderer can see: it collects what is written. */
export class FakeStream extends Writable {
  readonly isTTY: boolean;
  columns: number;
  rows: number;
  readonly chunks: string[] = [];
  /** While true, no write is finished: the reader is slow. */
  #stalled = false;
  #waiting: (() => void) | undefined;

  constructor(options: { isTTY?: boolean; columns?: number; rows?: number } = {}) {
    super({ decodeStrings: false, highWaterMark: 16 * 1024 });
    this.isTTY = options.isTTY ?? false;
    this.columns = options.columns ?? 80;
    this.rows = options.rows ?? 24;
  }

  get text(): string {
    return this.chunks.join("");
  }

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  stall(): void {
    this.#stalled = true;
  }

  /** Reads all that waits, and goes on reading at once. Resolves when nothing waits any more. */
  async resume(): Promise<void> {
    this.#stalled = false;
    const drained = new Promise<void>((resolve) => this.write("", () => resolve()));
    this.#waiting?.();
    await drained;
  }

  resize(columns: number, rows = this.rows): void {
    this.columns = columns;
    this.rows = rows;
    this.emit("resize");
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(String(chunk));
    if (this.#stalled) this.#waiting = done;
    else done();
  }
}
