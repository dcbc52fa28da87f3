import { fileURLToPath } from "node:url";
import type { Peer } from "../peers.ts";

/**
 * A peer in the experiment. It is asked for one thing: the command line of a program that runs a
 * task under the peer's own deadline, and exits once the peer says that everything is closed.
 */
export interface Adapter extends Peer {
  /** With `deadlineMs` `null` the program runs the task without an end: it is going to be killed. */
  readonly supervisor: (task: readonly string[], deadlineMs: number | null) => readonly string[];
}

/** What a peer that is a Node library has to bring. */
export interface NodePeer extends Omit<Adapter, "supervisor"> {
  /** Runs inside a process of its own; resolves when the peer says that everything is closed. */
  readonly run: (task: readonly string[], deadlineMs: number | null) => Promise<void>;
}

export interface NodeAdapter extends Adapter {
  readonly run: NodePeer["run"];
}

export function nodeAdapter(peer: NodePeer): NodeAdapter {
  return {
    ...peer,
    supervisor: (task, deadlineMs) => [
      process.execPath,
      "--conditions=cofferdam-source",
      fileURLToPath(new URL("supervise.ts", import.meta.url)),
      peer.name,
      deadlineMs === null ? "never" : String(deadlineMs),
      ...task,
    ],
  };
}
