import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * The task of a pool's worker: runs a command until it ends. All three pools can only be handed a
 * function, so that the command is a grandchild of the process that holds the pool.
 */
export default async function runCommand([
  command = "",
  ...args
]: readonly string[]): Promise<void> {
  await once(spawn(command, args, { stdio: "ignore" }), "exit");
}

export const poolTask = new URL(import.meta.url);

/** Run once before the deadline begins, so that the start of a worker does not count. */
export const warmUp: readonly string[] = ["true"];
