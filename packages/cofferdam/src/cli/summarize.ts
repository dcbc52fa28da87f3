import { formatCount } from "../units/index.ts";
import type { ScopeReport } from "../scope/index.ts";

/** `5 processes started · 0 left (verified: namespace)`: the last line of a run. */
export function summarizeProcesses({ processes, containment }: ScopeReport): string {
  const count = processes.started.value;
  const started = `${formatCount(count)} ${count === 1 ? "process" : "processes"} started`;
  const { left } = processes;
  if (processes.verified) return `${started} · ${left} left (verified: ${containment.tree})`;
  return containment.tree === "namespace"
    ? `${started} · ${left} left (not verified: the kernel keeps them)`
    : `${started} · ${left} seen (${containment.tree}: not verified)`;
}
