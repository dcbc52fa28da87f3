import { fileURLToPath } from "node:url";
import type { Peer } from "../peers.ts";
import type { Situation } from "./situations.ts";

/** A way to run the tool under a deadline. */
export interface Means extends Peer {
  /** Whether this is Cofferdam, whose ends have other names than those of a peer. */
  readonly contained: boolean;
  /** Added to the environment of the supervisor. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program that runs the tool and brings it to the situation's end at the deadline. */
  readonly supervisor: (
    situation: Situation,
    tool: readonly string[],
    deadlineMs: number | null,
  ) => readonly string[];
}

export interface NodeMeans extends Omit<Means, "supervisor"> {
  /**
   * Runs inside a process of its own; resolves when the tool has ended, with the names of objects
   * that a report says are left, if there is a report.
   */
  readonly run: (
    situation: Situation,
    tool: readonly string[],
    deadlineMs: number | null,
  ) => Promise<readonly string[] | undefined>;
}

export function nodeMeans(means: NodeMeans): Means & NodeMeans {
  return {
    ...means,
    supervisor: (situation, tool, deadlineMs) => [
      process.execPath,
      "--conditions=cofferdam-source",
      fileURLToPath(new URL("supervise.ts", import.meta.url)),
      means.name,
      situation,
      deadlineMs === null ? "never" : String(deadlineMs),
      ...tool,
    ],
  };
}
