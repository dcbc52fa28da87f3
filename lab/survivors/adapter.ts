import { fileURLToPath } from "node:url";

/**
 * A peer in the experiment. It is asked for one thing: the command line of a program that runs a
 * task under the peer's own deadline, and exits once the peer says that everything is closed.
 */
export interface Adapter {
  /** For `--only`. */
  readonly name: string;
  /** As it stands in the table. */
  readonly title: string;
  /** As the peer itself gives it; asked for only where the peer is available. */
  readonly version: () => Promise<string>;
  /** Why it cannot take part on this machine and what to install, or `null` when it can. */
  readonly available: () => Promise<string | null>;
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
