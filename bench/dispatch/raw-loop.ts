import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { warmUpMs } from "./measure.ts";

const batch = 32;

/**
 * The limit: batches of JSON to two processes and back over sockets, with no queue, no promise for
 * each task, no faults looked for. Tasks a second.
 */
export async function rawLoop(tasks: number): Promise<number> {
  const loops = [0, 1].map(() => startLoop());
  const warm = performance.now() + warmUpMs;
  while (performance.now() < warm) await Promise.all(loops.map((loop) => loop.rounds(50)));
  const began = performance.now();
  await Promise.all(loops.map((loop) => loop.rounds(Math.ceil(tasks / 2 / batch))));
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(loops.map((loop) => loop.end()));
  return tasks / seconds;
}

interface Loop {
  rounds(count: number): Promise<void>;
  end(): Promise<unknown>;
}

function startLoop(): Loop {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("raw-worker.ts", import.meta.url))],
    { stdio: ["ignore", "inherit", "inherit", "pipe"] },
  );
  const socket = child.stdio[3] as Socket;
  const text = JSON.stringify(Array.from({ length: batch }, (_, id) => [id, "noop", [0]]));
  const frame = Buffer.alloc(4 + text.length);
  frame.writeUInt32LE(text.length, 0);
  frame.write(text, 4);
  let received = 0;
  let left = 0;
  let onDone: () => void;
  socket.on("data", (chunk: Buffer) => {
    received += chunk.length;
    while (received >= frame.length) {
      received -= frame.length;
      JSON.parse(text);
      if (--left > 0) socket.write(frame);
      else onDone();
    }
  });
  return {
    rounds: (count) =>
      new Promise((resolve) => {
        left = count;
        onDone = resolve;
        socket.write(frame);
      }),
    end: async () => {
      const gone = once(child, "exit");
      socket.end();
      await gone;
    },
  };
}
