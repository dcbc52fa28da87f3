/**
 * The first module of a Node worker: loads the user's module and runs its functions for the pool on
 * the other end of descriptor 3. It ends when that end closes.
 */
import { Socket } from "node:net";
import { CofferdamError } from "../errors/index.ts";
import { runAsTask } from "./context.ts";
import { MessageReader, writeMessage, type Message } from "./frames.ts";
import { describeError, type FromWorker, type ToWorker } from "./messages.ts";
import { decodeValue, encodeValue } from "./values.ts";

type Callable = (...args: unknown[]) => unknown;

const pool = new Socket({ fd: 3 });
const reader = new MessageReader();
let functions: ReadonlyMap<string, Callable> = new Map();

function tell(message: FromWorker, parts: readonly Uint8Array[] = []): void {
  writeMessage(pool, { ...message }, parts);
}

async function load(module: string): Promise<void> {
  try {
    const exports = (await import(module)) as Record<string, unknown>;
    functions = new Map(
      Object.entries(exports).filter(
        (entry): entry is [string, Callable] => typeof entry[1] === "function",
      ),
    );
    tell({ t: "ready", names: [...functions.keys()] });
  } catch (error) {
    tell({ t: "broken", error: describeError(error) });
  }
}

async function run(id: number, name: string, args: unknown[]): Promise<void> {
  const called = functions.get(name);
  try {
    if (!called)
      throw new CofferdamError("UNKNOWN_FUNCTION", `the module exports no function \`${name}\``);
    const value = await runAsTask(id, () => called(...args));
    const encoded = encodeValue(value);
    tell({ t: "result", id, value: encoded.json }, encoded.parts);
  } catch (error) {
    tell({ t: "error", id, error: describeError(error) });
  }
}

function onMessage({ header, parts }: Message): void {
  const message = header as ToWorker;
  switch (message.t) {
    case "hello":
      void load(message.module);
      break;
    case "run":
      void run(message.id, message.name, decodeValue(message.args, parts) as unknown[]);
      break;
    case "close":
      pool.end(() => process.exit(0));
      break;
  }
}

pool.on("data", (chunk: Buffer) => {
  for (const message of reader.read(chunk)) onMessage(message);
});
// The pool is gone: nobody wants what this process does.
pool.on("error", () => process.exit(1));
pool.on("end", () => process.exit(0));
