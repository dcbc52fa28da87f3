import { readdirSync, readFileSync } from "node:fs";

/** Children of a process, from `/proc`, with their names. */
export function childrenOf(pid: number): { pid: number; name: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const text = readFileSync(`/proc/${name}/stat`, "latin1");
        const close = text.lastIndexOf(")");
        const parent = Number(text.slice(close + 2).split(" ")[1]);
        return parent === pid
          ? [{ pid: Number(name), name: text.slice(text.indexOf("(") + 1, close) }]
          : [];
      } catch {
        return []; // ended meanwhile
      }
    });
}

/** The keeper of a process that has one. */
export function keeperOf(pid: number): number {
  const keeper = childrenOf(pid).find(({ name }) => name.startsWith("cofferdam-keep"));
  if (!keeper) throw new Error(`process ${pid} has no keeper`);
  return keeper.pid;
}

/** Polls until a condition holds: for what gives no event. The deadline is only a safety net. */
export async function until(condition: () => boolean, deadlineMs = 60_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`it did not come true: ${String(condition)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
