/**
 *    tasks ─▶ queue ─▶ one at a time ─▶ results, told before the next task starts,
 *                                       or together where tasks take microseconds (`each: 0`)
 */
import { monotonicMs } from "../clock.ts";
import { CofferdamError } from "../errors/index.ts";
import type { WorkerChannel } from "./channel.ts";
import { leaveTask, Task, type TaskLink } from "./context.ts";
import { describeError } from "./messages.ts";
import { checkSize, decodeValue, encodeText } from "./values.ts";

export type Callable = (...args: unknown[]) => unknown;

interface Waiting {
  readonly id: number;
  readonly name: string;
  readonly args: unknown;
  /** Binary parts of its arguments; null where JSON says it all. */
  readonly parts: readonly Uint8Array[] | null;
  readonly each: boolean;
}

/** Results are told at the latest so many milliseconds after the one before them. */
const tellEveryMs = 0.5;
/** A result above this is told by itself: no text has room for many of them. */
const largeText = 1024 * 1024;
/** After so long without a look at the socket, one is taken before the next task starts. */
const lookEveryMs = 1;

/** Runs a worker's tasks one after the other. */
export class TaskRunner {
  readonly #channel: WorkerChannel;
  readonly #link: TaskLink;
  readonly #queue: Waiting[] = [];
  /** What tasks can call; none before the module is loaded, and no task starts. */
  #functions: ReadonlyMap<string, Callable> | undefined;
  #running: Task | undefined;
  #draining = false;
  /** Results that are not told yet: the JSON of `id,value,id,value,…`, as they were when given. */
  #done = "";
  #donePlain = true;
  #doneSince = 0;
  #tellPlanned = false;
  #startedAt = 0;
  #lookedAt = 0;
  #onIdle: (() => void) | undefined;

  constructor(channel: WorkerChannel, link: TaskLink) {
    this.#channel = channel;
    this.#link = link;
  }

  add(list: readonly unknown[], parts: readonly Uint8Array[], plain: boolean, each: boolean): void {
    for (let at = 0; at + 2 < list.length; at += 3)
      this.#queue.push({
        id: list[at] as number,
        name: list[at + 1] as string,
        args: list[at + 2],
        parts: plain ? null : parts,
        each,
      });
    this.#lookedAt = monotonicMs();
    this.#start();
  }

  /** The module is loaded. */
  begin(functions: ReadonlyMap<string, Callable>): void {
    this.#functions = functions;
    if (this.#queue.length > 0) this.#start();
  }

  /** A task that has not started is taken back; one that runs is told. */
  cancel(id: number): void {
    if (!this.#drop(id) && this.#running?.id === id) this.#running.cancel();
  }

  /** Takes a task back that came before the module was loaded, unless it is loaded now. */
  recall(id: number): void {
    if (!this.#functions) this.#drop(id);
  }

  #drop(id: number): boolean {
    const index = this.#queue.findIndex((waiting) => waiting.id === id);
    if (index < 0) return false;
    this.#queue.splice(index, 1);
    this.#channel.tell({ t: "dropped", id });
    return true;
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#draining) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  #start(): void {
    if (this.#draining || !this.#functions) return;
    this.#lookedAt = monotonicMs();
    void this.#drain();
    leaveTask();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    this.#doneSince = this.#startedAt = monotonicMs();
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      // A task can throw, block or end this process: what is done must be told before it starts.
      const now = this.#startedAt;
      if (this.#done !== "" && (next.each || now - this.#doneSince > tellEveryMs)) this.#tell();
      if (this.#channel.behind) await this.#channel.flushed();
      if (now - this.#lookedAt > lookEveryMs) {
        this.#queue.unshift(next); // it may be cancelled meanwhile
        await this.#look();
        continue; // it may have been cancelled
      }
      const pending = this.#run(next);
      if (pending) await pending;
    }
    this.#tell();
    this.#draining = false;
    this.#onIdle?.();
  }

  /** Lets the event loop read the socket. */
  async #look(): Promise<void> {
    // The first may come in the very turn that has read the socket.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    this.#lookedAt = this.#startedAt = monotonicMs();
  }

  /** A promise only where the function gave one: most small tasks need none. */
  #run({ id, name, args, parts }: Waiting): Promise<void> | undefined {
    const task = (this.#running = new Task(id, this.#link));
    try {
      const called = this.#functions?.get(name);
      if (!called)
        throw new CofferdamError("UNKNOWN_FUNCTION", `the module exports no function \`${name}\``);
      const given = (parts ? decodeValue(args, parts) : args) as unknown[];
      task.enter(); // cheaper than `storage.run`, which leaves again after each
      const value = called(...given);
      if (isThenable(value)) return this.#runOn(task, value);
      this.#succeed(task, value);
    } catch (error) {
      this.#fail(task, error);
    }
    return undefined;
  }

  async #runOn(task: Task, promise: PromiseLike<unknown>): Promise<void> {
    this.#tellSoon();
    try {
      const value = await promise;
      this.#succeed(task, value);
    } catch (error) {
      this.#fail(task, error);
    }
  }

  #succeed(task: Task, value: unknown): void {
    task.end();
    const { text, parts, plain } = encodeText(value, true);
    if (parts.length > 0 || text.length > largeText) {
      checkSize("the result", text, parts);
      this.#tell();
    }
    if (this.#done === "") this.#doneSince = this.#startedAt;
    else this.#done += ",";
    this.#done += `${task.id},${text}`;
    if (!plain) this.#donePlain = false;
    this.#ended();
    if (parts.length > 0 || text.length > largeText) this.#tell(parts);
  }

  #fail(task: Task, thrown: unknown): void {
    let error = thrown;
    try {
      task.end();
    } catch (second) {
      error = second;
    }
    this.#tell();
    const began = this.#startedAt;
    this.#ended();
    const us = (this.#startedAt - began) * 1000;
    this.#channel.tell({ t: "error", id: task.id, error: describeError(error), us });
  }

  #ended(): void {
    this.#running = undefined;
    this.#startedAt = monotonicMs();
  }

  /** When the running task really waits for something; not when it is done in the same turn. */
  #tellSoon(): void {
    if (this.#done === "" || this.#tellPlanned) return;
    this.#tellPlanned = true;
    setImmediate(() => {
      this.#tellPlanned = false;
      this.#tell();
    });
  }

  #tell(parts?: readonly Uint8Array[]): void {
    if (this.#done === "") return;
    const us = Math.round((this.#startedAt - this.#doneSince) * 1000);
    const how = `"us":${us},"plain":${this.#donePlain ? 1 : 0}`;
    this.#channel.tellText(`{"t":"results",${how},"list":[${this.#done}]}`, parts);
    this.#done = "";
    this.#donePlain = true;
    this.#doneSince = this.#startedAt;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
