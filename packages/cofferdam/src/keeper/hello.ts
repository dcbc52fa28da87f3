import { tag, type Fields } from "./wire.ts";

/** What a keeper says of itself and the machine when it starts. */
export interface Hello {
  readonly tree: "namespace" | "subreaper";
  readonly proc: "task" | "host";
  /** What its cgroups can do; nothing where it can have none. */
  readonly cgroup: ReadonlySet<string>;
  /** Which step of which way failed, for people. */
  readonly notes: readonly string[];
  /** Dead runs that this start removed, with processes of theirs that still lived. */
  readonly swept: { readonly runs: number; readonly processes: number; readonly stuck: number };
}

export function decodeHello(fields: Fields): Hello {
  return {
    tree: fields.text(tag.tree) === "subreaper" ? "subreaper" : "namespace",
    proc: fields.text(tag.proc) === "own" ? "task" : "host",
    cgroup: new Set((fields.text(tag.cgroup) ?? "").split(" ").filter((word) => word !== "")),
    notes: fields.texts(tag.note),
    swept: {
      runs: fields.number(tag.started) ?? 0,
      processes: fields.number(tag.killed) ?? 0,
      stuck: fields.number(tag.processes) ?? 0,
    },
  };
}
