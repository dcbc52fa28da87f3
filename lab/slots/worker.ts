import { currentTask } from "cofferdam";

/** Takes a slot, and is killed while it holds it. */
export async function dieHolding(): Promise<void> {
  await currentTask().limit("slots");
  process.kill(process.pid, "SIGKILL"); // as the system does when memory is short
  for (;;);
}
