import type { Stage } from "./schema.ts";

/** Bounded for each item by its containment, and not counted over all. */
const measuredResources = ["memory", "cpus", "threads", "processes"];

/** What an item of a stage takes of what is counted, such as `gpu: 1`. */
export function countedResources({ resources = {} }: Stage): [name: string, each: number][] {
  return Object.entries(resources).filter(
    (entry): entry is [string, number] => !measuredResources.includes(entry[0]),
  );
}
