import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { UsageError } from "./experiment.ts";

/** What takes part in an experiment beside others. */
export interface Peer {
  /** For `--only`. */
  readonly name: string;
  /** As it stands in the table. */
  readonly title: string;
  /** As the peer itself gives it; asked for only where the peer is available. */
  readonly version: () => Promise<string>;
  /** Why it cannot take part on this machine and what to install, or `null` when it can. */
  readonly available: () => Promise<string | null>;
}

export interface PeerOptions<P extends Peer> {
  readonly chosen: readonly P[];
  readonly settleMs: number;
  readonly deadlineMs: number;
  readonly json: boolean;
}

/** For the usage of an experiment; `whose` and `whom` say whose deadline it is, and who vanishes. */
export function describePeerOptions(
  peers: readonly Peer[],
  { whose, whom, deadlineMs }: { whose: string; whom: string; deadlineMs: number },
): string {
  return `  --only NAME     ${peers.map(({ name }) => name).join(", ")};
                  may be given again
  --adapter FILE  a peer of your own: a module that exports it as default; may be given again
  --settle MS     how long ${whom} given to vanish (default 5000)
  --deadline MS   ${whose} (default ${deadlineMs})
  --json          the measurements as JSON
`;
}

/**
 * Peers of one's own come beside those that `--only` names, or instead of all. Rejects with a
 * {@link UsageError} for a peer that there is not, and for what are no milliseconds.
 */
export async function readPeerOptions<P extends Peer>(
  args: readonly string[],
  peers: readonly P[],
  defaults: { readonly deadlineMs: number },
): Promise<PeerOptions<P>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", multiple: true, default: [] },
      adapter: { type: "string", multiple: true, default: [] },
      settle: { type: "string", default: "5000" },
      deadline: { type: "string", default: String(defaults.deadlineMs) },
      json: { type: "boolean", default: false },
    },
  });
  const [settleMs, deadlineMs] = [Number(values.settle), Number(values.deadline)];
  if (!(settleMs >= 0 && deadlineMs > 0)) {
    throw new UsageError("--settle and --deadline take milliseconds");
  }
  const chosen = values.only.map((name) => {
    const found = peers.find((peer) => peer.name === name);
    if (found === undefined) throw new UsageError(`--only: there is no ${name}`);
    return found;
  });
  for (const file of values.adapter) chosen.push(await loadPeer<P>(file));
  const everybody = chosen.length === 0 ? peers : chosen;
  return { chosen: everybody, settleMs, deadlineMs, json: values.json };
}

const members = {
  ...{ name: "string", title: "string" },
  ...{ version: "function", available: "function", supervisor: "function" },
} as const;

async function loadPeer<P extends Peer>(file: string): Promise<P> {
  let peer: unknown;
  try {
    const module = (await import(pathToFileURL(resolve(file)).href)) as { default?: unknown };
    peer = module.default;
  } catch (error) {
    throw new UsageError(`--adapter ${file}: ${error instanceof Error ? error.message : ""}`);
  }
  const has = (name: string, type: string): boolean =>
    typeof peer === "object" && peer !== null && typeof Reflect.get(peer, name) === type;
  const missing = Object.entries(members).find(([name, type]) => !has(name, type));
  if (missing)
    throw new UsageError(`--adapter ${file}: its default export has no ${missing.join(", a ")}`);
  return peer as P;
}

export interface Skipped {
  readonly title: string;
  readonly because: string;
}

/** Who can take part here, and who cannot. */
export async function findPresent<P extends Peer>(
  peers: readonly P[],
): Promise<{ present: P[]; skipped: Skipped[] }> {
  const present: P[] = [];
  const skipped: Skipped[] = [];
  for (const peer of peers) {
    const because = await peer.available();
    if (because === null) present.push(peer);
    else skipped.push({ title: peer.title, because });
  }
  return { present, skipped };
}

/** Below the table: who is missing, and what the experiment itself has left, which must be 0. */
export function describeEnd(skipped: readonly Skipped[], left: number): string[] {
  return [
    ...skipped.map(({ title, because }) => `${title}: skipped, because ${because}`),
    `left by this experiment itself: ${left}`,
  ];
}
