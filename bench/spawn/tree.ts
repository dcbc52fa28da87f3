import { once } from "node:events";
import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import type { Scope } from "cofferdam";

export const graceMs = 100;

/**
 * Ends a tree of double-forked processes that ignore TERM. Gives the milliseconds from the end of
 * the grace until `exec` has settled, which it does when the tree is gone.
 */
export async function endTree(scope: Scope, stubborn: string, processes: number): Promise<number> {
  const aborted = new AbortController();
  const { promise: started, resolve } = Promise.withResolvers<string>();
  const running = scope.exec([stubborn, String(processes)], {
    timeout: "2m",
    grace: graceMs,
    signal: aborted.signal,
    reject: false,
    onStart: ({ scratch }) => resolve(scratch),
  });
  const scratch = await started;
  const watcher = watch(scratch);
  while (!existsSync(join(scratch, "ready"))) await once(watcher, "change");
  watcher.close();
  const since = performance.now();
  aborted.abort();
  const { outcome, stderr } = await running;
  if (outcome !== "cancelled") throw new Error(`the tree ended by itself: ${outcome} ${stderr}`);
  return performance.now() - since - graceMs;
}
