import { readProcess, type ProcessStat } from "../census/index.ts";
import { findVictims, ProcessTree } from "../chaos/victims.ts";

/** Whom to kill in a batch: Cofferdam's own processes, Marker, or one of the workers of Marker. */
export const BATCH_VICTIMS = ["command", "keeper", "init", "marker", "marker-worker"] as const;
export type BatchVictim = (typeof BATCH_VICTIMS)[number];

/** The living candidates below a command. */
export function findBatchVictims(kind: BatchVictim, command: number): ProcessStat[] {
  const tree = ProcessTree.read();
  if (kind === "command" || kind === "keeper" || kind === "init")
    return findVictims(kind, command, tree).flat();
  const root = tree.get(command);
  if (root === undefined) return [];
  return tree.withDescendants(root).filter((stat) => !stat.zombie && isOf(kind, stat));
}

function isOf(kind: "marker" | "marker-worker", stat: ProcessStat): boolean {
  const cmdline = readProcess(stat.pid)?.cmdline ?? [];
  if (cmdline.includes("--multiprocessing-fork")) return kind === "marker-worker";
  // After a script's first line: python3 /…/bin/marker /…/input …
  return kind === "marker" && cmdline.some((word) => word.endsWith("/bin/marker"));
}
