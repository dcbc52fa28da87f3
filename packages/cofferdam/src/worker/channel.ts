import type { Socket } from "node:net";
import { monotonicMs } from "../clock.ts";
import type { BulkFile } from "./bulk.ts";
import { neverWaits, readNow, writeNow } from "./direct-io.ts";
import { encodeFrame, MessageReader, type Message } from "./frames.ts";
import type { FromWorker } from "./messages.ts";

const descriptor = 3;
const readBytes = 64 * 1024;
/** So long the first task is looked for: it comes within a tenth of that, or some time. */
const firstTaskMs = 4;

/**
 * The worker's end of descriptor 3. To load Node's stream for it takes as long as all else that a
 * worker does for its first task. So, where that cannot wait, the first messages are read and
 * written directly, and the stream takes over when the first task is done or does not come.
 */
export class WorkerChannel {
  readonly #onMessage: (message: Message) => void;
  readonly #onEnd: (failed: boolean) => void;
  readonly #reader = new MessageReader();
  // Into the same memory each time: 64 KB for each read would be most of the garbage.
  readonly #buffer = Buffer.allocUnsafeSlow(readBytes);
  #stream: Socket | undefined;
  #bulk: BulkFile | undefined;
  /** What has been told is that the worker is ready. */
  #ready = false;

  /** `onEnd`: the pool is gone, and nobody wants what this process does. */
  constructor(onMessage: (message: Message) => void, onEnd: (failed: boolean) => void) {
    this.#onMessage = onMessage;
    this.#onEnd = onEnd;
  }

  /** Begins to listen to the pool. */
  start(): void {
    if (neverWaits(descriptor) && this.#readNow()) setImmediate(() => this.#awaitFirstTask());
    else this.#openStream();
  }

  /** From now on large parts go by the bulk file, and come from there. */
  useBulk(bulk: BulkFile): void {
    this.#bulk = this.#reader.bulk = bulk;
  }

  tell(message: FromWorker, parts: readonly Uint8Array[] = []): void {
    this.tellText(JSON.stringify(message), parts);
    if (message.t === "ready") this.#ready = true;
  }

  /** `tell`, with the message's JSON. */
  tellText(message: string, parts: readonly Uint8Array[] = []): void {
    let buffers = encodeFrame(message, parts, this.#bulk);
    if (!this.#stream) buffers = this.#writeNow(buffers);
    if (buffers.length === 0) return;
    const stream = this.#stream ?? this.#openStream();
    if (!stream.writable) return;
    if (buffers.length > 1) stream.cork();
    for (const buffer of buffers) stream.write(buffer);
    if (buffers.length > 1) stream.uncork();
  }

  /** Whether some of what was told has not reached the kernel yet. */
  get behind(): boolean {
    return this.#stream !== undefined && this.#stream.writableLength > 0;
  }

  /** Resolves when all that was told has reached the kernel. */
  async flushed(): Promise<void> {
    // Not "drain", which comes only after a write beyond the high-water mark.
    if (this.behind) await new Promise((resolve) => this.#stream?.write("", resolve));
  }

  close(onClosed: () => void): void {
    (this.#stream ?? this.#openStream()).end(onClosed);
  }

  /** The module may still be loading, and wait for something: then nobody knows when it is ready. */
  #awaitFirstTask(): void {
    const until = monotonicMs() + firstTaskMs;
    const look = (): void => {
      if (this.#stream) return;
      if (this.#readNow() || monotonicMs() > until) this.#openStream();
      else setImmediate(look);
    };
    if (this.#ready) look();
    else this.#openStream();
  }

  /** Whether there was something to read. */
  #readNow(): boolean {
    let bytes: number | null;
    try {
      bytes = readNow(descriptor, this.#buffer);
    } catch {
      this.#onEnd(true);
      return false;
    }
    if (bytes === 0) this.#onEnd(false);
    else if (bytes !== null) this.#onRead(bytes);
    return bytes !== null;
  }

  #writeNow(buffers: readonly Uint8Array[]): Uint8Array[] {
    try {
      return writeNow(descriptor, buffers);
    } catch {
      this.#onEnd(true);
      return [];
    }
  }

  #onRead(bytes: number): void {
    this.#reader.read(this.#buffer.subarray(0, bytes), this.#onMessage);
  }

  #openStream(): Socket {
    if (this.#stream) return this.#stream;
    const { Socket } = process.getBuiltinModule("node:net");
    const callback = (bytes: number): boolean => {
      this.#onRead(bytes);
      return true;
    };
    const stream = new Socket({ fd: descriptor, onread: { buffer: this.#buffer, callback } });
    stream.on("error", () => this.#onEnd(true));
    stream.on("end", () => this.#onEnd(false));
    return (this.#stream = stream);
  }
}
