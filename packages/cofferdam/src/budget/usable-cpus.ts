import { availableParallelism } from "node:os";

/** How many CPUs this process may use: affinity and cgroup are counted in. */
export function usableCpus(): number {
  return availableParallelism();
}
