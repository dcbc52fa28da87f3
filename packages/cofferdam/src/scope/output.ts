import type { Readable } from "node:stream";

/** After the whole tree is gone only a process that nobody saw can hold a pipe open. */
const straggleMs = 500;

/** Collects a stream up to a number of bytes; beyond it the oldest bytes go. */
export class Output {
  readonly #limitBytes: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  truncated = false;
  /** Resolves when the stream has ended and is closed. */
  readonly finished: Promise<void>;
  readonly #stream: Readable | null;

  constructor(stream: Readable | null, limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#stream = stream;
    stream?.on("data", (chunk: Buffer) => this.#take(chunk));
    this.finished = stream ? whenClosed(stream) : Promise.resolve();
  }

  /** For when the processes are gone: waits for the rest, but not for ever. */
  async drain(): Promise<void> {
    const timer = setTimeout(() => this.#stream?.destroy(), straggleMs);
    await this.finished;
    clearTimeout(timer);
  }

  text(encoding: "utf8" | "latin1"): string {
    return Buffer.concat(this.#chunks).toString(encoding);
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > this.#limitBytes) {
      const first = this.#chunks[0];
      if (!first) return;
      const excess = this.#bytes - this.#limitBytes;
      this.truncated = true;
      if (first.length <= excess) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(excess);
      this.#bytes -= Math.min(first.length, excess);
    }
  }
}

/** By hand: `finished` of `node:stream` keeps kilobytes for each stream until a big collection. */
function whenClosed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.on("error", () => undefined); // it is closed then, too
    // One without output may have closed before anybody listened.
    if (stream.closed) resolve();
    else stream.once("close", resolve);
  });
}
