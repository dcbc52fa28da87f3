import { Socket } from "node:net";
import type { BulkFile } from "./bulk.ts";
import { encodeFrame, MessageReader, type Message } from "./frames.ts";
import type { FromWorker } from "./messages.ts";

const readBytes = 64 * 1024;

/** The worker's end of descriptor 3. */
export class WorkerChannel {
  readonly #socket: Socket;
  readonly #reader = new MessageReader();
  #bulk: BulkFile | undefined;

  /** `onEnd`: the pool is gone, and nobody wants what this process does. */
  constructor(onMessage: (message: Message) => void, onEnd: (failed: boolean) => void) {
    // Into the same memory each time: 64 KB for each read would be most of the garbage.
    const buffer = Buffer.allocUnsafeSlow(readBytes);
    const callback = (bytes: number): boolean => {
      this.#reader.read(buffer.subarray(0, bytes), onMessage);
      return true;
    };
    this.#socket = new Socket({ fd: 3, onread: { buffer, callback } });
    this.#socket.on("error", () => onEnd(true));
    this.#socket.on("end", () => onEnd(false));
  }

  /** From now on large parts go by the bulk file, and come from there. */
  useBulk(bulk: BulkFile): void {
    this.#bulk = this.#reader.bulk = bulk;
  }

  tell(message: FromWorker, parts: readonly Uint8Array[] = []): void {
    this.tellText(JSON.stringify(message), parts);
  }

  /** `tell`, with the message's JSON. */
  tellText(message: string, parts: readonly Uint8Array[] = []): void {
    if (!this.#socket.writable) return;
    const buffers = encodeFrame(message, parts, this.#bulk);
    if (buffers.length > 1) this.#socket.cork();
    for (const buffer of buffers) this.#socket.write(buffer);
    if (buffers.length > 1) this.#socket.uncork();
  }

  /** Whether some of what was told has not reached the kernel yet. */
  get behind(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** Resolves when all that was told has reached the kernel. */
  async flushed(): Promise<void> {
    // Not "drain", which comes only after a write beyond the high-water mark.
    if (this.behind) await new Promise((resolve) => this.#socket.write("", resolve));
  }

  close(onClosed: () => void): void {
    this.#socket.end(onClosed);
  }
}
