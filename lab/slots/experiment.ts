import { parseArgs } from "node:util";
import { type Experiment, UsageError } from "../experiment.ts";
import { findPython, pythonMissing } from "../survivors/python.ts";
import { formatTable } from "../table.ts";
import { measureCounter, measureLeases, type Slots } from "./measure.ts";

export const slotsExperiment: Experiment = {
  summary: "slots of a shared limit that are lost when workers are killed",
  usage: `npm run lab slots -- [--slots N] [--kills N] [--json]

Workers share a number of slots. One worker after the other takes a slot and is killed (SIGKILL)
while it holds it. How many slots can be had afterwards, when nobody lives who has one?

  --slots N   how many there are (default 24)
  --kills N   how many workers are killed (default 20)
  --json      the counts as JSON
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        slots: { type: "string", default: "24" },
        kills: { type: "string", default: "20" },
        json: { type: "boolean", default: false },
      },
    });
    const [slots, kills] = [Number(values.slots), Number(values.kills)];
    if (!(Number.isSafeInteger(slots) && slots > 0 && Number.isSafeInteger(kills) && kills > 0))
      throw new UsageError("--slots and --kills take whole numbers above 0");
    const python = findPython();
    const counter = python === null ? null : await measureCounter(python, slots, kills);
    const leases = await measureLeases(slots, kills);
    if (values.json) console.log(JSON.stringify({ slots, kills, counter, leases }));
    else console.log(describe(slots, kills, counter, leases));
    return leases.free === slots && leases.refused === 0 ? 0 : 1;
  },
};

function describe(slots: number, kills: number, counter: Slots | null, leases: Slots): string {
  const row = (title: string, { free, refused }: Slots): string[] => [
    title,
    `${slots - free} of ${slots}`,
    String(refused),
  ];
  const rows = [row("Cofferdam: leases", leases)];
  if (counter) rows.unshift(row("a counter in a Manager's dict, one less in `finally`", counter));
  const table = formatTable([`after ${kills} kills`, "slots lost", "refused without need"], rows);
  return counter ? table : `${table}\nthe counter: skipped, because ${pythonMissing}`;
}
