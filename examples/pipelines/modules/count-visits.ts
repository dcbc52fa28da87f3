import { readFile } from "node:fs/promises";
import type { StageItem } from "cofferdam";

/** How often each pseudonym stands in all logs together. */
export default async function countVisits(item: StageItem): Promise<string> {
  const counts: Record<string, number> = {};
  for (const file of item.inputs ?? [])
    for (const line of (await readFile(file, "utf8")).trimEnd().split("\n")) {
      const [, visitor = ""] = line.split(" ");
      counts[visitor] = (counts[visitor] ?? 0) + 1;
    }
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
}
