import { getSystemErrorName } from "node:util";
import {
  objectKinds,
  type EndCause,
  type Leak,
  type Measured,
  type NamedProcess,
  type ObjectKind,
  type ProcessEnd,
  type StuckProcess,
} from "./backend.ts";
import { signalName } from "./signals.ts";
import { tag, type Fields } from "./wire.ts";

/** By the keeper's `enum end_cause`. */
const causes: readonly EndCause[] = ["own", "timeout", "memory", "stopped", "killed", "processes"];

/** What `wait(2)` gives, taken apart. */
export function decodeStatus(status: number): {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
} {
  const number = status & 0x7f;
  if (number === 0) return { exitCode: (status >> 8) & 0xff, signal: null };
  return { exitCode: null, signal: signalName(number) };
}

/** An errno's name: 2 → `ENOENT`. */
export function errnoName(number: number): string {
  return number > 0 ? getSystemErrorName(-number) : "UNKNOWN";
}

/**
 * The keeper's ENDED frame as the end of a process. `shared`: the kinds of objects that it had in
 * common with the machine.
 */
export function decodeEnd(fields: Fields, shared: readonly ObjectKind[]): ProcessEnd {
  const cause = causes[fields.number(tag.cause) ?? 0] ?? "own";
  const status = fields.number(tag.status);
  const stage = fields.text(tag.stage);
  const user = fields.number(tag.userMicros);
  const system = fields.number(tag.systemMicros);
  const found = fields.texts(tag.leak).flatMap(decodeLeak);
  const untold = user === undefined && stage === undefined;
  return {
    cause,
    ...(status === undefined ? { exitCode: null, signal: null } : decodeStatus(status)),
    ...(stage === undefined
      ? {}
      : { startFailure: { stage, code: errnoName(fields.number(tag.errno) ?? 0) } }),
    cpuMs: user === undefined || system === undefined ? null : micros(user, system),
    peakMemoryBytes: {
      value: fields.number(tag.peak) ?? 0,
      method: fields.number(tag.exact) === undefined ? "sampled" : "exact",
    },
    started: { value: fields.number(tag.started) ?? 0, method: "lower-bound" },
    killed: fields.number(tag.killed) ?? 0,
    left: 0,
    leaks: found.filter(({ how }) => how !== "unattributed" && how !== "unseen"),
    unattributed: found.filter(({ how }) => how === "unattributed"),
    // An init that was killed has not looked at anything.
    unseen: untold ? shared : shared.filter((kind) => isUnseen(found, kind)),
    stuck: [],
  };
}

function isUnseen(found: readonly Leak[], kind: ObjectKind): boolean {
  return found.some((leak) => leak.kind === kind && leak.how === "unseen");
}

function micros(user: number, system: number): { user: number; system: number } {
  return { user: user / 1000, system: system / 1000 };
}

const leakKinds: ReadonlySet<string> = new Set<Leak["kind"]>([
  "process",
  ...objectKinds,
  "scratch",
]);
const leakActions: ReadonlySet<string> = new Set<Leak["action"]>(["killed", "removed", "left"]);

function decodeLeak(line: string): Leak[] {
  const [kind = "", pid, parentPid, size, age, how = "", action = "", orphaned, parents, ...name] =
    line.split("\t");
  if (!leakKinds.has(kind) || !leakActions.has(action)) return [];
  const common = {
    kind: kind as Leak["kind"],
    name: name.join("\t"),
    ageMs: Number(age),
    how,
    action: action as Leak["action"],
  };
  if (kind === "scratch") return [{ kind, name: common.name, how, action: common.action }];
  if (kind !== "process") return [{ ...common, sizeBytes: Number(size) }];
  return [
    {
      ...common,
      pid: Number(pid),
      parentPid: Number(parentPid),
      parents: (parents ?? "").split("\x1f").flatMap(decodeParent),
      orphaned: orphaned === "1",
      memoryBytes: Number(size),
    },
  ];
}

function decodeParent(text: string): NamedProcess[] {
  const [, pid, name] = /^(\d+) ([^]*)$/.exec(text) ?? [];
  return pid === undefined || name === undefined ? [] : [{ pid: Number(pid), name }];
}

/** The keeper's STUCK fields. */
export function decodeStuck(fields: Fields): StuckProcess[] {
  return fields.texts(tag.stuck).map((line) => {
    const [pid, state = "?", ...name] = line.split("\t");
    return { pid: Number(pid), name: name.join("\t"), state };
  });
}

const nothing: Measured = { value: 0, method: "lower-bound" };

/**
 * An end that nobody has told about: the keeper died with the tree, or the kernel keeps it. Nor has
 * anybody looked at the objects that it shared with the machine.
 */
export function endUntold(
  cause: "keeper-lost" | "stopped" | "stuck",
  left: number,
  shared: readonly ObjectKind[],
  stuck: readonly StuckProcess[] = [],
): ProcessEnd {
  return {
    cause,
    exitCode: null,
    signal: null,
    cpuMs: null,
    peakMemoryBytes: nothing,
    started: { value: 1, method: "lower-bound" },
    killed: 0,
    left,
    leaks: [],
    unattributed: [],
    unseen: shared,
    stuck,
  };
}
