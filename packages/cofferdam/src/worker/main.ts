/**
 * The first module of a Node worker: loads the user's module and runs its functions for the pool on
 * the other end of descriptor 3. It ends when that end closes.
 */
import { CofferdamError } from "../errors/index.ts";
import { BulkFile } from "./bulk.ts";
import { WorkerChannel } from "./channel.ts";
import type { Message } from "./frames.ts";
import { describeError, type RemoteError, type ToWorker } from "./messages.ts";
import { TaskRunner, type Callable } from "./task-runner.ts";
import { decodeValue, encodeValue } from "./values.ts";

const channel = new WorkerChannel(onMessage, (failed) => process.exit(failed ? 1 : 0));
const calls = new Map<number, { resolve: (value: unknown) => void; reject: (e: Error) => void }>();
let nextCall = 1;
let dispose: Callable | undefined;

const runner = new TaskRunner(channel, {
  abortable: (id) => channel.tell({ t: "abortable", id }),
  send(id, value) {
    const { json, parts } = encodeValue(value);
    channel.tell({ t: "message", id, value: json }, parts);
  },
  progress: (id, fraction, note) =>
    channel.tell({ t: "progress", id, fraction, ...(note === undefined ? {} : { note }) }),
  call(task, service, request) {
    const { json, parts } = encodeValue(request);
    const call = nextCall++;
    const answered = new Promise<unknown>((resolve, reject) =>
      calls.set(call, { resolve, reject }),
    );
    channel.tell({ t: "call", call, task, service, request: json }, parts);
    return answered;
  },
});

async function load(module: string, init: unknown, bytesMax: number | undefined): Promise<void> {
  try {
    const exports = (await import(module)) as Record<string, unknown>;
    const functions = new Map(
      Object.entries(exports).filter(
        (entry): entry is [string, Callable] => typeof entry[1] === "function",
      ),
    );
    await functions.get("init")?.(init);
    dispose = functions.get("dispose");
    for (const name of ["init", "dispose"]) functions.delete(name);
    if (functions.size === 0) throw new Error("the module exports no function");
    channel.tell({
      t: "ready",
      names: [...functions.keys()],
      batch: true,
      bulk: true,
      dispose: dispose !== undefined,
    });
    // What loading took for a while is no matter.
    if (bytesMax !== undefined) watchSize(bytesMax);
    runner.begin(functions);
  } catch (error) {
    channel.tell({ t: "broken", error: describeError(error) });
  }
}

/** Tells once when the process has become too big. */
function watchSize(bytesMax: number): void {
  const timer = setInterval(() => {
    const bytes = process.memoryUsage.rss();
    if (bytes <= bytesMax) return;
    channel.tell({ t: "memory", bytes });
    clearInterval(timer);
  }, 100);
  timer.unref();
}

async function close(): Promise<void> {
  await runner.idle();
  try {
    await dispose?.();
  } finally {
    channel.close(() => process.exit());
  }
}

function answer(call: number, ok: boolean, value: unknown, error: RemoteError | undefined): void {
  const waiting = calls.get(call);
  calls.delete(call);
  if (ok) waiting?.resolve(value);
  else waiting?.reject(reviveError(error));
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

function onMessage({ header, parts }: Message): void {
  const message = header as unknown as ToWorker;
  switch (message.t) {
    case "hello":
      if (message.bulk !== undefined) channel.useBulk(new BulkFile(message.bulk, "worker"));
      void load(message.module ?? "", decodeValue(message.init, parts), message.recycleAbove);
      break;
    case "tasks":
      runner.add(message.list, parts, message.plain === 1, message.each === 1);
      break;
    case "run":
      runner.add([message.id, message.name, message.args], parts, false, true);
      break;
    case "cancel":
      runner.cancel(message.id);
      break;
    case "recall":
      runner.recall(message.id);
      break;
    case "answer":
      answer(message.call, message.ok, decodeValue(message.value, parts), message.error);
      break;
    case "close":
      void close();
      break;
  }
}

channel.start();
