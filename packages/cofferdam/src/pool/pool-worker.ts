import type { Readable } from "node:stream";
import type { Socket } from "node:net";
import { monotonicMs, timerMs } from "../clock.ts";
import { CofferdamError, errorMessage, type ErrorCode } from "../errors/index.ts";
import type { ContainedProcess, ProcessEnd } from "../keeper/index.ts";
import type { WorkerService } from "../scope/index.ts";
import { BulkFile, bulkPartBytesMin } from "../worker/bulk.ts";
import { encodeFrame, MessageReader, type Message } from "../worker/frames.ts";
import {
  describeError,
  protocolVersion,
  type FromWorker,
  type RemoteError,
  type ToWorker,
} from "../worker/messages.ts";
import { decodeValue, encodeValue, type Encoded } from "../worker/values.ts";
import type { Job } from "./job.ts";
import { cancelled, explainWorkerEnd, type WorkerBounds } from "./task-error.ts";
import { batchFrames, singleFrames } from "./task-frames.ts";
import { TaskServices } from "./task-services.ts";

const logBytes = 64 * 1024;
/** What a worker has its bulk file as. */
const bulkDescriptor = 4;
/** How long the rest of a dead worker's socket is waited for. */
const restMs = 5000;
/** How long a worker may live on without its socket. */
const deafMs = 1000;

/** What a worker tells its pool. */
export interface WorkerOwner {
  /** It has loaded its module, or could not. */
  onReady(worker: PoolWorker, problem: RemoteError | null): void;
  onFailure(job: Job, error: RemoteError): void;
  /** It has given back a job that it had before it was ready. */
  onReturned(job: Job): void;
  /** It has given results, and may have room for more work. */
  onRoom(worker: PoolWorker): void;
  /** It is being ended, and must be given nothing. */
  onStop(worker: PoolWorker): void;
  /** It is above `recycleAbove`. */
  onBig(worker: PoolWorker, bytes: number): void;
  /** Its processes are gone. */
  onEnd(worker: PoolWorker, end: ProcessEnd): void;
  service(name: string): WorkerService | undefined;
}

export interface WorkerSetup {
  readonly module: string;
  readonly init: Encoded;
  readonly recycleAbove: number | undefined;
  readonly graceMs: number;
  readonly early: boolean;
}

/**
 * A worker process and the jobs that it was given: once it is ready the first of `jobs` runs, the
 * others wait inside the worker. Results come in that order.
 */
export class PoolWorker {
  readonly pid: number;
  /** Resolves when it has loaded its module or could not; never if it dies before. */
  readonly readiness: Promise<undefined>;
  /** Its processes are gone, and its owner was told. */
  readonly ended: Promise<ProcessEnd>;
  readonly jobs: Job[] = [];
  ready = false;
  /** It is given no more work. */
  retired = false;
  tasksGiven = 0;
  /** See `WorkerKind.early`. */
  readonly early: boolean;
  readonly #process: ContainedProcess;
  readonly #channel: Socket | null;
  readonly #owner: WorkerOwner;
  readonly #graceMs: number;
  readonly #reader = new MessageReader();
  /** What large parts lie in, where the worker has it too. */
  readonly #bulk: BulkFile | undefined;
  readonly #services: TaskServices;
  #log = "";
  #brokenProtocol: string | undefined;
  #batch: boolean;
  #readsBulk = false;
  #disposes = false;
  #onReadiness!: (nothing: undefined) => void; // set in the constructor
  #closing = false;
  #stopping = false;
  #deadlineOf: Job | undefined;
  #recalled: Job | undefined;
  #deadlineSince = 0;
  /** The only job that it has, while nothing was sent or heard since it was given. */
  #unheard: Job | undefined;
  /** It died without having read all that was sent to it. */
  #unread = false;
  #overdue: NodeJS.Timeout | undefined;
  #deaf: NodeJS.Timeout | undefined;

  constructor(process: ContainedProcess, setup: WorkerSetup, owner: WorkerOwner) {
    this.#process = process;
    process.unref(); // what keeps the program running is that there are tasks
    this.#owner = owner;
    this.#graceMs = setup.graceMs;
    this.#batch = this.early = setup.early;
    this.pid = process.pid;
    this.#services = new TaskServices(process.pid, (name) => owner.service(name));
    for (const stream of [process.stdout, process.stderr]) this.#keepLog(stream);
    this.#channel = process.channel;
    if (process.bulkFile !== null) this.#bulk = new BulkFile(process.bulkFile, "pool");
    this.#reader.bulk = this.#bulk;
    this.#channel?.on("data", (chunk: Buffer) => this.#onData(chunk));
    this.#channel?.on("error", () => (this.#unread = true)); // its end tells the rest
    this.#channel?.on("end", () => this.#onChannelEnd());
    this.readiness = new Promise((resolve) => (this.#onReadiness = resolve));
    this.ended = this.#untilEnded();
    const { module, init, recycleAbove } = setup;
    const hello = {
      module,
      init: init.json,
      ...(recycleAbove === undefined ? {} : { recycleAbove }),
      ...(this.#bulk ? { bulk: bulkDescriptor } : {}),
    };
    this.#send({ t: "hello", protocol: protocolVersion, ...hello }, init.parts);
  }

  /** The end of what it has written to its standard output and error. */
  get log(): string {
    return this.#log;
  }

  /** It is given no more, and still does what it has. */
  get finishing(): boolean {
    return this.ready && this.retired && !this.#stopping && this.jobs.length > 0;
  }

  /** It takes many jobs at once, and can be told to drop one. */
  get batches(): boolean {
    return this.#batch;
  }

  /** Gives it jobs. Those of one frame are told together; each frame is run in order. */
  give(jobs: readonly Job[], each: boolean): void {
    for (const job of jobs) {
      job.worker = this;
      job.each = each;
    }
    this.tasksGiven += jobs.length;
    this.jobs.push(...jobs);
    const frame = (header: string, parts?: readonly Uint8Array[]): Uint8Array[] =>
      this.#frame(header, parts);
    this.#write(this.#batch ? batchFrames(jobs, each, frame) : singleFrames(jobs, frame));
    if (this.ready && this.jobs.length === 1) this.#unheard = jobs[0];
    this.#onHead();
  }

  runs(job: Job): boolean {
    return this.ready && this.jobs[0] === job;
  }

  /** Asks it for the job that it was given early, unless that has begun meanwhile. */
  recall(): void {
    const [job] = this.jobs;
    if (!job) return;
    this.#recalled = job;
    this.#send({ t: "recall", id: job.id });
  }

  /** The caller does not want it any more. The worker drops it, is told, or (as last resort) ends. */
  cancel(job: Job): void {
    const runs = this.runs(job);
    if (this.#batch) this.#send({ t: "cancel", id: job.id });
    if (runs && job.each && !job.abortable) this.stop(this.#graceMs);
    else if (runs) this.#watchCancelled();
  }

  /** Lets it tear down what its module set up, for which it has the grace. */
  close(): void {
    if (this.#closing) return;
    this.#closing = this.retired = true;
    if (!this.#disposes) {
      this.stop(0);
      return;
    }
    this.#send({ t: "close" });
    this.#overdue = setTimeout(() => this.stop(0), timerMs(this.#graceMs));
  }

  stop(graceMs: number): void {
    this.#stopping = this.retired = true;
    this.#owner.onStop(this);
    this.#process.stop(graceMs);
  }

  /** Its end was the deadline of a task that is done: its result came while the deadline fired. */
  endedForAnother(end: ProcessEnd): boolean {
    const timeoutMs = this.jobs[0]?.timeoutMs;
    return (
      end.cause === "timeout" &&
      (timeoutMs === undefined || monotonicMs() - this.#deadlineSince < timeoutMs)
    );
  }

  /** It never read of its only job: it was dead when that was given to it, or as good as dead. */
  neverRead(job: Job): boolean {
    return this.#unheard === job && this.#unread;
  }

  /** Why its end left a task without a result. */
  explain(end: ProcessEnd, bounds: WorkerBounds): { code: ErrorCode; message: string } {
    if (this.#brokenProtocol === undefined) return explainWorkerEnd(end, this.#log, bounds);
    const why = `its worker sent something that is not the worker protocol (${this.#brokenProtocol})`;
    return { code: "PROTOCOL", message: `${why}; nothing but Cofferdam may write to descriptor 3` };
  }

  /** All its processes are gone, and all that it had written was read. */
  async #untilEnded(): Promise<ProcessEnd> {
    const end = await this.#process.ended;
    const { stdout, stderr } = this.#process;
    const open = [this.#channel, stdout, stderr].filter((stream) => stream && !stream.closed);
    const timer = setTimeout(
      () => open.forEach((stream) => stream?.destroy()),
      end.left > 0 ? 0 : restMs,
    );
    await Promise.all(
      open.map((stream) => new Promise((resolve) => stream?.once("close", resolve))),
    );
    clearTimeout(timer);
    clearTimeout(this.#overdue);
    clearTimeout(this.#deaf);
    this.#bulk?.close();
    this.retired = true;
    this.#services.releaseAll();
    this.#owner.onEnd(this, end);
    return end;
  }

  /** It has ended, mostly; if it only closed its descriptor 3, nothing will be heard of it again. */
  #onChannelEnd(): void {
    this.retired = true;
    this.#owner.onStop(this);
    this.#channel?.end();
    this.#deaf = setTimeout(() => {
      this.#brokenProtocol ??= "it closed its descriptor 3";
      this.stop(0);
    }, deafMs);
  }

  #send(message: ToWorker, parts: readonly Uint8Array[] = []): void {
    this.#write(this.#frame(JSON.stringify(message), parts));
  }

  #frame(header: string, parts?: readonly Uint8Array[]): Uint8Array[] {
    return encodeFrame(header, parts, this.#readsBulk ? this.#bulk : undefined);
  }

  #write(buffers: readonly Uint8Array[]): void {
    this.#unheard = undefined;
    const channel = this.#channel;
    if (!channel?.writable) return; // its end is told elsewhere
    if (buffers.length > 1) channel.cork();
    for (const buffer of buffers) channel.write(buffer);
    if (buffers.length > 1) channel.uncork();
  }

  #onData(chunk: Buffer): void {
    this.#unheard = undefined;
    try {
      this.#reader.read(chunk, (message) => this.#onMessage(message));
    } catch (error) {
      // Not our protocol: its program wrote to descriptor 3. Nothing it says can be trusted.
      this.#brokenProtocol ??= errorMessage(error);
      this.#channel?.removeAllListeners("data").resume();
      this.stop(0);
      return;
    }
    this.#onHead();
    if (!this.#stopping) this.#owner.onRoom(this);
  }

  #onMessage({ header, parts }: Message): void {
    const message = header as unknown as FromWorker;
    if (this.#readsBulk && parts.some((part) => part.length >= bulkPartBytesMin))
      this.#bulk?.allow();
    switch (message.t) {
      case "results":
        this.#onResults(message.list, parts, message.plain === 1, message.us);
        break;
      case "result":
        this.#onResults([message.id, message.value], parts, false, undefined);
        break;
      case "error":
        this.#onError(message.id, message.error, message.us);
        break;
      case "ready":
        this.#batch = message.batch === true;
        this.#readsBulk = message.bulk === true;
        this.#disposes = message.dispose === true;
        this.ready = true;
        this.#owner.onReady(this, null);
        this.#onReadiness(undefined);
        break;
      case "broken":
        checkError(message.error);
        this.#owner.onReady(this, message.error);
        this.#onReadiness(undefined);
        break;
      case "dropped":
        this.#onDropped(message.id);
        break;
      case "abortable":
        this.#onAbortable(message.id);
        break;
      case "message":
        this.#find(message.id)?.message(decodeValue(message.value, parts));
        break;
      case "progress":
        this.#find(message.id)?.progress(message.fraction, message.note);
        break;
      case "call":
        void this.#onCall(
          message.call,
          message.task,
          message.service,
          decodeValue(message.request, parts),
        );
        break;
      case "memory":
        this.#owner.onBig(this, message.bytes);
        break;
      default:
        throw new RangeError("an unknown kind of message");
    }
  }

  #onResults(
    list: readonly unknown[],
    parts: readonly Uint8Array[],
    plain: boolean,
    us: number | undefined,
  ): void {
    for (let at = 0; at + 1 < list.length; at += 2) {
      // Decoded while the job is still the worker's: if that fails, the worker's end settles it.
      const value = plain ? list[at + 1] : decodeValue(list[at + 1], parts);
      const job = this.#take(list[at] as number);
      if (at === 0 && us !== undefined) job?.callee.pace.add(us, list.length / 2);
      job?.succeed(value);
    }
  }

  #onError(id: number, error: RemoteError, us: number | undefined): void {
    checkError(error); // while the job is still the worker's
    const job = this.#take(id);
    if (!job) return;
    if (us !== undefined) job.callee.pace.add(us, 1);
    job.start();
    this.#owner.onFailure(job, error);
  }

  /** One that was cancelled or recalled had not begun, though it was the next. */
  #onDropped(id: number): void {
    const job = this.#find(id);
    if (!job) return;
    if (!job.cancelled && job !== this.#recalled)
      throw new RangeError("it dropped a task that nobody had cancelled");
    this.#take(id);
    if (job.cancelled) job.fail(cancelled("it was cancelled before it started", job.attempts));
    else this.#owner.onReturned(job);
  }

  #find(id: number): Job | undefined {
    return this.jobs[0]?.id === id ? this.jobs[0] : this.jobs.find((job) => job.id === id);
  }

  /** The job is with this worker no longer. */
  #take(id: number): Job | undefined {
    const job = this.#find(id);
    if (!job) return undefined;
    if (this.jobs[0] === job) this.jobs.shift();
    else this.jobs.splice(this.jobs.indexOf(job), 1);
    this.#services.release(id);
    return job;
  }

  /** Which job runs may have changed: its clock starts now. */
  #onHead(): void {
    if (!this.ready) return;
    const head = this.jobs[0];
    head?.start();
    if (head === this.#deadlineOf) return;
    if (!this.#closing) clearTimeout(this.#overdue);
    if (head?.cancelled) this.#watchCancelled();
    if (head?.timeoutMs !== undefined) this.#process.setDeadline(head.timeoutMs);
    else if (this.#deadlineOf?.timeoutMs !== undefined) this.#process.setDeadline(null);
    this.#deadlineOf = head;
    this.#deadlineSince = monotonicMs();
  }

  #onAbortable(id: number): void {
    const job = this.#find(id);
    if (!job) return;
    job.abortable = true;
    if (job.cancelled) this.#send({ t: "cancel", id });
  }

  /** The running task was cancelled, and knows: it may take the grace and no more. */
  #watchCancelled(): void {
    clearTimeout(this.#overdue);
    this.#overdue = setTimeout(() => this.stop(0), timerMs(this.#graceMs));
  }

  async #onCall(call: number, task: number, service: string, request: unknown): Promise<void> {
    try {
      if (!this.#find(task)) throw new CofferdamError("CANCELLED", "the task has ended");
      const { json, parts } = encodeValue(await this.#services.handle(task, service, request));
      this.#send({ t: "answer", call, ok: true, value: json }, parts);
    } catch (error) {
      this.#send({ t: "answer", call, ok: false, error: describeError(error) });
    }
  }

  #keepLog(stream: Readable | null): void {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      this.#log = (this.#log + text).slice(-logBytes);
    });
    stream?.on("error", () => undefined);
  }
}

function checkError(error: unknown): void {
  const { name, message } = (error ?? {}) as Partial<RemoteError>;
  if (typeof name !== "string" || typeof message !== "string")
    throw new TypeError("an error without a name and a message");
}
