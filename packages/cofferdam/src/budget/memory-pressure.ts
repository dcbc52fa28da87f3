import { readFileSync } from "node:fs";
import { monotonicMs } from "../clock.ts";

const askEveryMs = 500;
/** Share of the last ten seconds in which some process waited for memory, in percent. */
const pressedPercent = 10;

let askedAt = -Infinity;
let pressed = false;

/** Whether this machine is short of memory now, by the kernel's own account (PSI). */
export function underMemoryPressure(): boolean {
  const now = monotonicMs();
  if (now - askedAt < askEveryMs) return pressed;
  askedAt = now;
  pressed = pressurePercent() >= pressedPercent;
  return pressed;
}

/** 0 where the kernel does not tell. */
function pressurePercent(): number {
  try {
    const match = /^some avg10=([\d.]+)/m.exec(readFileSync("/proc/pressure/memory", "utf8"));
    return Number(match?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** How many processes of this machine the kernel has killed for want of memory. 0 if not told. */
export function oomKills(): number {
  try {
    return Number(/^oom_kill (\d+)/m.exec(readFileSync("/proc/vmstat", "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
