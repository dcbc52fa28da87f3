import { parseArgs } from "node:util";
import { type Experiment, UsageError } from "../experiment.ts";
import { HOSTILE_COUNT, HOSTILE_KINDS } from "../hostile/index.ts";
import { formatTable } from "../table.ts";
import type { Adapter } from "./adapter.ts";
import { adapters } from "./adapters/index.ts";
import { measure, type Measurement, type MeasureOptions } from "./measure.ts";

interface Row {
  readonly adapter: string;
  readonly title: string;
  readonly version: string | null;
  readonly unavailable: string | null;
  readonly deadline: Measurement | null;
  readonly killed: Measurement | null;
}

export const survivors: Experiment = {
  summary: "what a task leaves behind, after its deadline and after the death of its supervisor",
  usage: `npm run lab survivors -- [--only NAME]… [--settle MS] [--deadline MS] [--json]

A task starts four descendants: a plain sleep, a setsid sleep, one that ignores TERM, INT and HUP,
and a double-forked one. Column A: the peer's own deadline ends the task, and the peer says that it
is done. Column B: the peer's process is killed by SIGKILL while the task runs. The survivors are
counted by the census (lab/census), not by the peer, and are then ended by the experiment.

  --only NAME     ${adapters.map((adapter) => adapter.name).join(", ")};
                  may be given again
  --settle MS     how long survivors are given to vanish (default 5000)
  --deadline MS   the task's deadline in column A (default 1000)
  --json          the measurements as JSON
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true },
        settle: { type: "string", default: "5000" },
        deadline: { type: "string", default: "1000" },
        json: { type: "boolean", default: false },
      },
    });
    const options = { settleMs: Number(values.settle), deadlineMs: Number(values.deadline) };
    if (!(options.settleMs >= 0 && options.deadlineMs > 0)) {
      throw new UsageError("--settle and --deadline take milliseconds");
    }
    const rows: Row[] = [];
    for (const adapter of chosenAdapters(values.only)) rows.push(await fillRow(adapter, options));
    console.log(values.json ? JSON.stringify(rows, null, 1) : describe(rows));
    return rows.every(isSound) ? 0 : 1;
  },
};

function chosenAdapters(names: readonly string[] | undefined): readonly Adapter[] {
  if (names === undefined) return adapters;
  return names.map((name) => {
    const found = adapters.find((adapter) => adapter.name === name);
    if (found === undefined) throw new UsageError(`no adapter ${name}`);
    return found;
  });
}

async function fillRow(adapter: Adapter, options: MeasureOptions): Promise<Row> {
  const unavailable = await adapter.available();
  const counted = unavailable === null;
  return {
    adapter: adapter.name,
    title: adapter.title,
    version: counted ? await adapter.version() : null,
    unavailable,
    deadline: counted ? await measure(adapter, "deadline", options) : null,
    killed: counted ? await measure(adapter, "killed", options) : null,
  };
}

/** Each measurement saw all four run, and the experiment has left nothing itself. */
function isSound({ deadline, killed }: Row): boolean {
  return [deadline, killed].every(
    (found) => found === null || (found.seen === HOSTILE_COUNT && found.leftByExperiment === 0),
  );
}

function describe(rows: readonly Row[]): string {
  const measured = rows.filter((row) => row.unavailable === null);
  const table = formatTable(
    [
      "",
      "version",
      "A: survivors after the deadline",
      "B: survivors after SIGKILL of the supervisor",
    ],
    measured.map((row) => [
      row.title,
      row.version ?? "",
      describeCell(row.deadline),
      describeCell(row.killed),
    ]),
  );
  const missing = rows.flatMap(({ title, unavailable }) =>
    unavailable === null ? [] : [`${title}: skipped, because ${unavailable}`],
  );
  const leaked = measured
    .flatMap((row) => [row.deadline, row.killed])
    .reduce((sum, found) => sum + (found?.leftByExperiment ?? 0), 0);
  return [table, ...missing, `left by this experiment itself: ${leaked}`].join("\n");
}

function describeCell(found: Measurement | null): string {
  if (found === null) return "";
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
