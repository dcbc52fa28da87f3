import { CofferdamError } from "../errors/index.ts";
import { BulkFile } from "./bulk.ts";
import { WorkerChannel } from "./channel.ts";
import type { Message } from "./frames.ts";
import { describeError, type RemoteError, type ToWorker } from "./messages.ts";
import { TaskRunner, type Callable } from "./task-runner.ts";
import { decodeValue, encodeValue } from "./values.ts";

/** A worker process for the functions of a module; its pool is on the other end of descriptor 3. */
export class ModuleWorker {
  readonly #channel = new WorkerChannel(
    (message) => this.#onMessage(message),
    (failed) => process.exit(failed ? 1 : 0),
  );
  readonly #runner: TaskRunner;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #nextCall = 1;
  #dispose: Callable | undefined;

  constructor() {
    const channel = this.#channel;
    this.#runner = new TaskRunner(channel, {
      abortable: (id) => channel.tell({ t: "abortable", id }),
      send(id, value) {
        const { json, parts } = encodeValue(value);
        channel.tell({ t: "message", id, value: json }, parts);
      },
      progress: (id, fraction, note) =>
        channel.tell({ t: "progress", id, fraction, ...(note === undefined ? {} : { note }) }),
      call: (task, service, request) => this.#call(task, service, request),
    });
  }

  /** Does what the pool asks for, until that closes its end. */
  start(): void {
    this.#channel.start();
  }

  #onMessage({ header, parts }: Message): void {
    const message = header as unknown as ToWorker;
    switch (message.t) {
      case "hello":
        if (message.bulk !== undefined) this.#channel.useBulk(new BulkFile(message.bulk, "worker"));
        void this.#load(
          message.module ?? "",
          decodeValue(message.init, parts),
          message.recycleAbove,
        );
        break;
      case "tasks":
        this.#runner.add(message.list, parts, message.plain === 1, message.each === 1);
        break;
      case "run":
        this.#runner.add([message.id, message.name, message.args], parts, false, true);
        break;
      case "cancel":
        this.#runner.cancel(message.id);
        break;
      case "recall":
        this.#runner.recall(message.id);
        break;
      case "answer":
        this.#answer(message.call, message.ok, decodeValue(message.value, parts), message.error);
        break;
      case "close":
        void this.#close();
        break;
    }
  }

  async #load(module: string, init: unknown, bytesMax: number | undefined): Promise<void> {
    const channel = this.#channel;
    try {
      const exports = (await import(module)) as Record<string, unknown>;
      const functions = new Map(
        Object.entries(exports).filter(
          (entry): entry is [string, Callable] => typeof entry[1] === "function",
        ),
      );
      await functions.get("init")?.(init);
      this.#dispose = functions.get("dispose");
      for (const name of ["init", "dispose"]) functions.delete(name);
      if (functions.size === 0) throw new Error("the module exports no function");
      channel.tell({
        t: "ready",
        names: [...functions.keys()],
        batch: true,
        bulk: true,
        dispose: this.#dispose !== undefined,
      });
      // What loading took for a while is no matter.
      if (bytesMax !== undefined) this.#watchSize(bytesMax);
      this.#runner.begin(functions);
    } catch (error) {
      channel.tell({ t: "broken", error: describeError(error) });
    }
  }

  /** Tells once when the process has become too big. */
  #watchSize(bytesMax: number): void {
    const timer = setInterval(() => {
      const bytes = process.memoryUsage.rss();
      if (bytes <= bytesMax) return;
      this.#channel.tell({ t: "memory", bytes });
      clearInterval(timer);
    }, 100);
    timer.unref();
  }

  #call(task: number, service: string, request: unknown): Promise<unknown> {
    const { json, parts } = encodeValue(request);
    const call = this.#nextCall++;
    const answered = Promise.withResolvers<unknown>();
    this.#calls.set(call, answered);
    this.#channel.tell({ t: "call", call, task, service, request: json }, parts);
    return answered.promise;
  }

  #answer(call: number, ok: boolean, value: unknown, error: RemoteError | undefined): void {
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    if (ok) waiting?.resolve(value);
    else waiting?.reject(reviveError(error));
  }

  async #close(): Promise<void> {
    await this.#runner.idle();
    try {
      await this.#dispose?.();
    } finally {
      this.#channel.close(() => process.exit());
    }
  }
}

function reviveError(error: RemoteError | undefined): Error {
  const message = error?.message ?? "the pool gave no reason";
  const revived: Error & { code?: string } =
    error?.name === "CofferdamError" && error.code !== undefined
      ? new CofferdamError(error.code as CofferdamError["code"], message)
      : new Error(message);
  if (error?.code !== undefined) revived.code = error.code;
  return revived;
}
