import { echo, noop, take } from "./tasks.ts";

/** For pools that call one function: the task says which. */
export default function run(task: { name: string; value: unknown }): unknown {
  if (task.name === "echo") return echo(task.value as Uint8Array);
  return task.name === "take" ? take(task.value as number) : noop();
}
