import type { Experiment } from "../experiment.ts";
import { HOSTILE_COUNT, HOSTILE_KINDS } from "../hostile/index.ts";
import {
  describeEnd,
  describePeerOptions,
  findPresent,
  readPeerOptions,
  type Skipped,
} from "../peers.ts";
import { formatTable } from "../table.ts";
import type { Adapter } from "./adapter.ts";
import { adapters } from "./adapters/index.ts";
import { measure, type Measurement, type MeasureOptions } from "./measure.ts";

interface Row {
  readonly adapter: string;
  readonly title: string;
  readonly version: string;
  readonly deadline: Measurement;
  readonly killed: Measurement;
}

const DEADLINE_MS = 1000;

export const survivors: Experiment = {
  summary: "what a task leaves behind, after its deadline and after the death of its supervisor",
  usage: `npm run lab survivors -- [--only NAME]… [--settle MS] [--deadline MS] [--json]

A task starts four descendants: a plain sleep, a setsid sleep, one that ignores TERM, INT and HUP,
and a double-forked one. Column A: the peer's own deadline ends the task, and the peer says that it
is done. Column B: the peer's process is killed by SIGKILL while the task runs. The survivors are
counted by the census (lab/census), not by the peer, and are then ended by the experiment.

${describePeerOptions(adapters, {
  whose: "the task's deadline in column A",
  whom: "survivors are",
  deadlineMs: DEADLINE_MS,
})}`,
  run: async (args) => {
    const { chosen, json, ...options } = await readPeerOptions(args, adapters, {
      deadlineMs: DEADLINE_MS,
    });
    const { present, skipped } = await findPresent(chosen);
    const rows: Row[] = [];
    for (const adapter of present) rows.push(await fillRow(adapter, options));
    console.log(json ? JSON.stringify({ rows, skipped }, null, 1) : describe(rows, skipped));
    return rows.every(isSound) ? 0 : 1;
  },
};

async function fillRow(adapter: Adapter, options: MeasureOptions): Promise<Row> {
  return {
    adapter: adapter.name,
    title: adapter.title,
    version: await adapter.version(),
    deadline: await measure(adapter, "deadline", options),
    killed: await measure(adapter, "killed", options),
  };
}

/** Each measurement saw all four run, and the experiment has left nothing itself. */
function isSound({ deadline, killed }: Row): boolean {
  return [deadline, killed].every(
    (found) => found.seen === HOSTILE_COUNT && found.leftByExperiment === 0,
  );
}

function describe(rows: readonly Row[], skipped: readonly Skipped[]): string {
  const table = formatTable(
    [
      "",
      "version",
      "A: survivors after the deadline",
      "B: survivors after SIGKILL of the supervisor",
    ],
    rows.map(({ title, version, deadline, killed }) => [
      title,
      version,
      describeCell(deadline),
      describeCell(killed),
    ]),
  );
  const left = rows
    .flatMap(({ deadline, killed }) => [deadline, killed])
    .reduce((sum, { leftByExperiment }) => sum + leftByExperiment, 0);
  return [table, ...describeEnd(skipped, left)].join("\n");
}

function describeCell(found: Measurement): string {
  if (found.seen < HOSTILE_COUNT) {
    return `invalid: ${found.seen} of ${HOSTILE_COUNT} ran ${found.stderr.trim().split("\n").at(-1) ?? ""}`;
  }
  const others = found.otherThings === 0 ? "" : `, and ${found.otherThings} other things`;
  if (found.survivors.length === 0) {
    const when = found.emptyAfterMs === null ? "" : ` (within ${found.emptyAfterMs} ms)`;
    return `0${when}${others}`;
  }
  return `${found.survivors.length}: ${summarise(found.survivors)}${others}`;
}

/** The four are the rule; only a part of them is worth its names. */
function summarise(names: readonly string[]): string {
  const kinds: readonly string[] = Object.values(HOSTILE_KINDS);
  const rest = names.filter((name) => !kinds.includes(name));
  const all = kinds.every((kind) => names.includes(kind));
  const counted = [...new Set(rest)].map((name) => {
    const times = rest.filter((other) => other === name).length;
    return times === 1 ? name : `${times} ${name}s`;
  });
  return [...(all ? ["all four"] : names.filter((name) => kinds.includes(name))), ...counted].join(
    "; ",
  );
}
