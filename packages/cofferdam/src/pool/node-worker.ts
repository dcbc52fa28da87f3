import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Readable } from "node:stream";
import { errorMessage, type ErrorCode } from "../errors/index.ts";
import type { ContainedProcess, ProcessEnd } from "../keeper/index.ts";
import { taskEnvironment, type ScopeCore } from "../scope/index.ts";
import { MessageReader, writeMessage, type Message } from "../worker/frames.ts";
import type { FromWorker, RemoteError, ToWorker } from "../worker/messages.ts";
import { decodeValue, type Encoded } from "../worker/values.ts";
import { explainWorkerEnd, type WorkerBounds } from "./task-error.ts";

/** `main.ts` in the repository, `main.js` in the published package. */
const workerMain = fileURLToPath(
  new URL(`../worker/main${extname(import.meta.url)}`, import.meta.url),
);

const logBytes = 64 * 1024;

export interface WorkerSpec {
  /** URL of the module whose functions the worker runs. */
  readonly module: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly memoryBytes: number | undefined;
  readonly graceMs: number;
  readonly output: "capture" | "inherit";
}

export type TaskAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: RemoteError };

/** A Node process that runs functions of one module, one call at a time. */
export class NodeWorker {
  /** Resolves when the module is loaded; null, or why it could not be. Stays open if it dies. */
  readonly loaded: Promise<RemoteError | null>;
  readonly ended: Promise<ProcessEnd>;
  readonly pid: number;
  readonly #process: ContainedProcess;
  readonly #answers = new Map<number, (answer: TaskAnswer) => void>();
  readonly #reader = new MessageReader();
  #onLoaded!: (problem: RemoteError | null) => void; // set in the constructor
  #log = "";
  #brokenProtocol: string | undefined;
  tasksStarted = 0;

  static async start(scope: ScopeCore, spec: WorkerSpec): Promise<NodeWorker> {
    const mode = spec.output === "inherit" ? "inherit" : "pipe";
    const process = await scope.launch({
      command: [globalThis.process.execPath, ...inheritedFlags(), workerMain],
      cwd: globalThis.process.cwd(),
      env: taskEnvironment(spec.env),
      stdio: ["null", mode, mode],
      graceMs: spec.graceMs,
      ...(spec.memoryBytes === undefined ? {} : { memoryBytes: spec.memoryBytes }),
      channel: true,
    });
    return new NodeWorker(process, spec.module);
  }

  private constructor(process: ContainedProcess, module: string) {
    this.#process = process;
    this.pid = process.pid;
    this.ended = process.ended;
    this.loaded = new Promise((resolve) => (this.#onLoaded = resolve));
    for (const stream of [process.stdout, process.stderr]) this.#keepLog(stream);
    const { channel } = process;
    channel?.on("data", (chunk: Buffer) => this.#onData(chunk));
    channel?.on("error", () => undefined); // the process's end tells
    void this.ended.then(() => channel?.destroy());
    this.#send({ t: "hello", module });
  }

  /** The end of what it has written to its standard output and error. */
  get log(): string {
    return this.#log;
  }

  /** Why its end left a task without a result. */
  explain(end: ProcessEnd, bounds: WorkerBounds): { code: ErrorCode; message: string } {
    if (this.#brokenProtocol === undefined) return explainWorkerEnd(end, this.#log, bounds);
    const why = `its worker sent something that is not the worker protocol (${this.#brokenProtocol})`;
    return { code: "PROTOCOL", message: `${why}; nothing but Cofferdam may write to descriptor 3` };
  }

  /** Calls a function. `answer` is not called when the worker dies first. */
  run(
    id: number,
    name: string,
    args: Encoded,
    timeoutMs: number | undefined,
    answer: (answer: TaskAnswer) => void,
  ): void {
    this.tasksStarted++;
    this.#answers.set(id, (given) => {
      if (timeoutMs !== undefined) this.#process.setDeadline(null);
      answer(given);
    });
    if (timeoutMs !== undefined) this.#process.setDeadline(timeoutMs);
    this.#send({ t: "run", id, name, args: args.json }, args.parts);
  }

  /** Lets it finish by itself; the caller stops it when that takes too long. */
  close(): void {
    this.#send({ t: "close" });
  }

  stop(graceMs: number): void {
    this.#process.stop(graceMs);
  }

  #send(message: ToWorker, parts: readonly Uint8Array[] = []): void {
    if (this.#process.channel) writeMessage(this.#process.channel, { ...message }, parts);
  }

  #onData(chunk: Buffer): void {
    try {
      for (const message of this.#reader.read(chunk)) this.#onMessage(message);
    } catch (error) {
      // Not our protocol: its program wrote to descriptor 3. Nothing it says can be trusted.
      this.#brokenProtocol = errorMessage(error);
      this.#process.stop(0);
    }
  }

  #onMessage({ header, parts }: Message): void {
    const message = header as FromWorker;
    switch (message.t) {
      case "ready":
        this.#onLoaded(null);
        break;
      case "broken":
        this.#onLoaded(message.error);
        break;
      case "result":
        this.#answer(message.id, { ok: true, value: decodeValue(message.value, parts) });
        break;
      case "error":
        this.#answer(message.id, { ok: false, error: message.error });
        break;
    }
  }

  #answer(id: number, answer: TaskAnswer): void {
    const waiting = this.#answers.get(id);
    this.#answers.delete(id);
    waiting?.(answer);
  }

  #keepLog(stream: Readable | null): void {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      this.#log = (this.#log + text).slice(-logBytes);
    });
    stream?.on("error", () => undefined);
  }
}

/** Flags of this process that decide which modules load and how, as `child_process.fork` does. */
function inheritedFlags(): string[] {
  const kept =
    /^(--conditions|-C|--import|--require|-r|--experimental-|--no-experimental-|--enable-source-maps|--preserve-symlinks)/;
  return process.execArgv.filter(
    (flag) => kept.test(flag) && (flag.includes("=") || !takesValue(flag)),
  );
}

function takesValue(flag: string): boolean {
  return ["--conditions", "-C", "--import", "--require", "-r"].includes(flag);
}
