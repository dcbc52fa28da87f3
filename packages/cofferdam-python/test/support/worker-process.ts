import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { encodeFrame } from "../../../cofferdam/src/worker/frames.ts";
import { fixture } from "./pools.ts";

const worker = fileURLToPath(new URL("../../cofferdam_worker.py", import.meta.url));

/** The end of a worker without a pool. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Starts a bare worker, writes bytes to its descriptor 3, and waits for its end. */
export async function feedWorker(bytes: Uint8Array, thenClose: boolean): Promise<WorkerEnd> {
  const file = fixture("values.py");
  const child = spawn("python3", ["-u", worker, file], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const channel = child.stdio[3] as Duplex;
  channel.on("error", () => undefined).resume();
  channel.write(helloFor(file));
  channel.write(bytes);
  if (thenClose) channel.end();
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, stderr };
}

function helloFor(module: string): Uint8Array {
  return frame(JSON.stringify({ t: "hello", protocol: 1, module, init: null }));
}

export function frame(header: string, parts: readonly Uint8Array[] = []): Uint8Array {
  return Buffer.concat(encodeFrame(header, parts));
}
