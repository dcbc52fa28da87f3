import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { CofferdamError, errorMessage } from "../errors/index.ts";
import {
  objectKinds,
  type ContainedProcess,
  type ObjectKind,
  type ProcessEnd,
  type ProcessSpec,
} from "./backend.ts";
import { Channels, type ExpectedChannel } from "./channels.ts";
import { decodeHello, type Hello } from "./hello.ts";
import { noPipes, openPipes, type Pipes } from "./pipes.ts";
import { decodeEnd, decodeStuck, endUntold } from "./process-end.ts";
import { lostKeeper, refusal, tooLong, unreachablePipes } from "./start-errors.ts";
import { startFields } from "./start-fields.ts";
import { encodeFrame, FrameReader, reply, request, tag, wireVersion } from "./wire.ts";
import type { Field, Fields, Frame } from "./wire.ts";

/** A keeper that is killed while it starts is started again, so often. */
const startAttempts = 10;
/** Linux takes no more than 6 MiB of arguments and environment, whatever the stack's limit. */
const startBytesMax = 8 * 1024 * 1024;
/** Task ids are 32 bits wide. */
const taskIdMax = 2 ** 32 - 1;
/** The keeper's exit codes: processes it could not end, a folder it could not remove. */
const exitLeft = 1;
const exitFolder = 2;

/** What the connection tells its owner. */
export interface ConnectionEvents {
  sample(bytes: number): void;
  stuck(pid: number): void;
  /** The keeper is gone without having been asked to go. `running` have no end yet. */
  lost(connection: KeeperConnection, running: readonly KeeperTask[]): void;
}

/** A task under this keeper. Who owns the connection settles `ended` when the keeper cannot. */
export class KeeperTask {
  pid = 0;
  /** It does not keep this process running. */
  idle = false;
  stopped: (() => void) | undefined;
  readonly started = Promise.withResolvers<Fields>();
  ended = Promise.withResolvers<ProcessEnd>();
  /** Kinds of objects that it has in common with the machine. */
  readonly shared: readonly ObjectKind[];

  constructor(shared: readonly ObjectKind[]) {
    this.shared = shared;
  }
}

/** One keeper process and the control socket to it. */
export class KeeperConnection {
  readonly pid: number;
  readonly runPath: string;
  readonly hello: Hello;
  readonly #child: ChildProcess;
  readonly #control: Socket;
  readonly #events: ConnectionEvents;
  readonly #tasks = new Map<number, KeeperTask>();
  readonly #exited: Promise<unknown>;
  #dead = false;
  #stuck = 0;
  readonly #channels: Channels;
  #nextTask = 1;
  #closing = false;
  #corked = false;
  #held = true;

  /**
   * Starts a keeper, which first sweeps what dead runs have left. It waits for the end of the run
   * `after` (a lost keeper's), so that its tasks are known to be gone. Rejects with `KEEPER_START`
   * when it does not come up; one that is killed meanwhile is started again.
   */
  static async open(
    binary: string,
    base: string,
    after: string | undefined,
    events: ConnectionEvents,
  ): Promise<KeeperConnection> {
    for (let attempt = 1; ; attempt++) {
      const opened = await KeeperConnection.#tryOpen(binary, base, after, events);
      if (opened instanceof KeeperConnection) return opened;
      if (opened.signal === null || attempt === startAttempts)
        throw new CofferdamError("KEEPER_START", `${binary}: ${opened.why}`);
    }
  }

  static async #tryOpen(
    binary: string,
    base: string,
    after: string | undefined,
    events: ConnectionEvents,
  ): Promise<KeeperConnection | { why: string; signal: NodeJS.Signals | null }> {
    const child = spawn(binary, after === undefined ? [base] : [base, after], {
      // 3 is the control socket, 7 a first worker's. 4, 5 and 6 are ours, for commands that inherit them.
      stdio: ["ignore", "ignore", "pipe", "pipe", 0, 1, 2, "pipe"],
      env: ownVariables(),
      cwd: "/",
    });
    const exited = untilExit(child);
    let complaints = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    const reader = new FrameReader();
    const first = await firstFrame(child, reader).catch((error: unknown) => {
      throw new CofferdamError("KEEPER_START", `${binary}: ${errorMessage(error)}`);
    });
    if (first?.type !== reply.hello || first.fields.number(tag.number) !== wireVersion) {
      // What it ended with by itself; a signal that was not ours is somebody's bad luck.
      if (first) child.kill("SIGKILL");
      await exited;
      const signal = first ? null : child.signalCode;
      if (first) return { why: "it speaks another version of the protocol", signal: null };
      return { why: complaints.trim() || "it ended at once", signal };
    }
    return new KeeperConnection(child, exited, reader, first.fields, events);
  }

  private constructor(
    child: ChildProcess,
    exited: Promise<unknown>,
    reader: FrameReader,
    hello: Fields,
    events: ConnectionEvents,
  ) {
    this.#child = child;
    this.#exited = exited;
    this.#events = events;
    this.#control = controlSocket(child);
    this.pid = child.pid ?? 0;
    this.runPath = hello.text(tag.path) ?? "";
    this.#channels = new Channels(join(this.runPath, "s"), firstChannel(child));
    this.hello = decodeHello(hello);
    this.#control.on("data", (chunk: Buffer) => {
      for (const frame of reader.read(chunk)) this.#onFrame(frame);
    });
    this.#control.on("error", () => undefined); // "close" follows, and is what counts
    void exited.then(() => this.#onExit());
    this.#hold();
  }

  async start(spec: ProcessSpec): Promise<ContainedProcess> {
    const channel = spec.channel ? await this.#expectChannel() : undefined;
    try {
      return await this.#start(spec, channel);
    } catch (error) {
      channel?.forget();
      throw error;
    }
  }

  async #start(spec: ProcessSpec, channel: ExpectedChannel | undefined): Promise<ContainedProcess> {
    if (this.#dead) throw lostKeeper();
    const id = this.#freeId();
    const scratch = join(this.runPath, `t${id}`);
    const start = encodeFrame(request.start, id, startFields(spec, scratch, channel?.fields));
    if (start.length > startBytesMax) throw tooLong(start.length);
    const isolated = this.hello.tree === "namespace" && spec.ipc !== "host";
    const task = new KeeperTask(isolated ? [] : objectKinds);
    this.#tasks.set(id, task);
    this.#hold();
    this.#writeStart(start);
    const fields = await task.started.promise;
    const announced = spec.channel || spec.stdio.includes("pipe");
    if (spec.ipc === "hold") this.#setIdle(task, true);
    const pipes = announced ? await this.#openPipes(id, task, fields) : noPipes;
    const socket = channel ? await channel.socket : null;
    return {
      pid: task.pid,
      ...pipes,
      channel: socket,
      scratch,
      ended: task.ended.promise,
      stop: (graceMs) => {
        this.#setIdle(task, false);
        this.#send(request.stop, id, [[tag.grace, graceMs]]);
      },
      setDeadline: (ms) => this.#send(request.deadline, id, [[tag.timeout, ms ?? 0]]),
      signal: (name) => this.#send(request.signal, id, [[tag.number, constants.signals[name]]]),
      onStopped: (listener) => (task.stopped = listener),
      resume: () => this.#send(request.resume, id, []),
      unref: () => {
        this.#setIdle(task, true);
        for (const one of [socket, pipes.stdin, pipes.stdout, pipes.stderr]) one?.unref();
      },
    };
  }

  /**
   * Ends everything and the keeper. Resolves when it is gone. `lost`: it was killed meanwhile, and
   * the owner has been told so; nothing is known of what it had left to do.
   */
  async close(): Promise<{ left: number; folderLeft: boolean; lost: boolean }> {
    this.#closing = true;
    this.#channels.close();
    this.#hold();
    this.#control.end();
    await this.#exited;
    // Those that were told as stuck are counted there already.
    const left = this.#child.exitCode === exitLeft ? 1 : 0;
    return {
      left: Math.max(0, left - this.#stuck),
      folderLeft: this.#child.exitCode === exitFolder,
      lost: this.#wasKilled,
    };
  }

  get #wasKilled(): boolean {
    return this.#child.signalCode !== null;
  }

  async #expectChannel(): Promise<ExpectedChannel> {
    try {
      return await this.#channels.expect();
    } catch (error) {
      // The next keeper's sweep takes the folder of a dead run away.
      throw this.#dead ? lostKeeper() : error;
    }
  }

  /** The task's pipes; when they cannot be opened, the task is ended and this rejects. */
  async #openPipes(id: number, task: KeeperTask, started: Fields): Promise<Pipes> {
    try {
      const pipes = openPipes(this.pid, started);
      this.#send(request.opened, id, []);
      return pipes;
    } catch (error) {
      this.#send(request.stop, id, [[tag.grace, 0]]);
      this.#send(request.opened, id, []);
      const { cause } = await task.ended.promise;
      // The keeper has died, and its descriptors with it: the task's end says so.
      if (cause === "keeper-lost") return noPipes;
      if (!isDead(this.pid)) throw unreachablePipes(error);
      // It told of the end and died then: what the pipes held is lost with it.
      await this.#exited;
      task.ended = Promise.withResolvers();
      task.ended.resolve(endUntold("keeper-lost", 0, task.shared));
      return noPipes;
    }
  }

  /** After the last number comes the first again; a long task may still have that. */
  #freeId(): number {
    while (this.#tasks.has(this.#nextTask)) this.#nextTask = (this.#nextTask % taskIdMax) + 1;
    const id = this.#nextTask;
    this.#nextTask = (id % taskIdMax) + 1;
    return id;
  }

  /** Beside others in one piece with whatever else is started in this turn; alone at once. */
  #writeStart(start: Buffer): void {
    if (this.#tasks.size > 1 && !this.#corked) {
      this.#corked = true;
      this.#control.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#control.uncork();
      });
    }
    this.#control.write(start);
  }

  #send(type: number, task: number, fields: readonly Field[]): void {
    if (this.#control.writable) this.#control.write(encodeFrame(type, task, fields));
  }

  #onFrame(frame: Frame): void {
    if (frame.type === reply.sample) {
      this.#events.sample(frame.fields.number(tag.memory) ?? 0);
      return;
    }
    const task = this.#tasks.get(frame.task);
    if (!task) return;
    switch (frame.type) {
      case reply.started:
        task.pid = frame.fields.number(tag.pid) ?? 0;
        task.started.resolve(frame.fields);
        break;
      case reply.refused:
        // A second START of the same number is refused; the first goes on.
        if (task.pid !== 0) break;
        this.#forget(frame.task);
        task.started.reject(refusal(frame.fields));
        break;
      case reply.ended:
        this.#forget(frame.task);
        // One that holds is started only once it does.
        if (task.pid === 0) task.started.reject(refusal(frame.fields));
        task.ended.resolve(decodeEnd(frame.fields, task.shared));
        break;
      case reply.stuck:
        // It may still die one day; who waits for it is told now.
        this.#forget(frame.task);
        if (task.pid === 0) task.started.reject(refusal(frame.fields));
        this.#stuck++;
        this.#events.stuck(task.pid);
        task.ended.resolve(endUntold("stuck", 1, task.shared, decodeStuck(frame.fields)));
        break;
      case reply.stopped:
        task.stopped?.();
        break;
    }
  }

  #onExit(): void {
    this.#dead = true;
    this.#control.destroy();
    const tasks = [...this.#tasks.values()];
    this.#tasks.clear();
    for (const task of tasks) if (task.pid === 0) task.started.reject(lostKeeper());
    const running = tasks.filter((task) => task.pid !== 0);
    if (this.#closing && !this.#wasKilled) {
      // It went with all its tasks, as it was asked to.
      const left = this.#child.exitCode === 0 ? 0 : 1;
      for (const task of running) task.ended.resolve(endUntold("stopped", left, task.shared));
      return;
    }
    this.#channels.close();
    this.#events.lost(this, running);
  }

  #forget(id: number): void {
    this.#tasks.delete(id);
    this.#hold();
  }

  #setIdle(task: KeeperTask, idle: boolean): void {
    task.idle = idle;
    this.#hold();
  }

  /** An idle keeper does not keep this process running; one with tasks does. */
  #hold(): void {
    const held = this.#closing || isBusy(this.#tasks.values());
    if (held === this.#held) return;
    this.#held = held;
    const complaints = this.#child.stderr as Socket | null;
    const hold = held ? "ref" : "unref";
    this.#child[hold]();
    this.#control[hold]();
    complaints?.[hold]();
  }
}

function isBusy(tasks: Iterable<KeeperTask>): boolean {
  for (const { idle } of tasks) if (!idle) return true;
  return false;
}

/** A keeper needs no environment; what is ours it hands on to its inits, by which they are known. */
function ownVariables(): Record<string, string | undefined> {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => name.startsWith("COFFERDAM_")));
}

function controlSocket(child: ChildProcess): Socket {
  return child.stdio[3] as Socket;
}

/** A worker has its other end, which may outlive the keeper. */
function firstChannel(child: ChildProcess): Socket {
  return (child.stdio as readonly unknown[])[7] as Socket;
}

/** Its end, and that of all that it has said. Its "close" would wait for that worker too. */
async function untilExit(child: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => child.once("exit", resolve));
  const streams = [controlSocket(child), child.stderr];
  const closed = streams.map((one) => new Promise((resolve) => one?.once("close", resolve)));
  await Promise.all([exit, ...closed]);
}

/** The first frame, or null when the keeper ends without one. Rejects when it cannot be started. */
async function firstFrame(child: ChildProcess, reader: FrameReader): Promise<Frame | null> {
  const control = controlSocket(child);
  const { promise, resolve, reject } = Promise.withResolvers<Frame | null>();
  const onData = (chunk: Buffer): void => {
    for (const frame of reader.read(chunk)) resolve(frame);
  };
  const onEnd = (): void => resolve(null);
  child.once("error", reject);
  control.on("data", onData).once("close", onEnd).once("error", onEnd);
  const frame = await promise;
  child.off("error", reject);
  control.off("data", onData).off("close", onEnd).off("error", onEnd);
  return frame;
}

/** What has died has no program any more, also while nobody has waited for it. */
function isDead(pid: number): boolean {
  const isOurs = Number(readlinkSync("/proc/self")) === process.pid;
  return isOurs && !existsSync(`/proc/${pid}/exe`);
}
