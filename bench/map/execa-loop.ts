/** The peer that people write themselves: `execa-loop.ts INPUTS WORKERS COMMAND…`. */
import { readFileSync } from "node:fs";
import { execa } from "execa";

const [inputs = "", workers = "1", command = "", ...args] = process.argv.slice(2);
const lines = readFileSync(inputs, "utf8").trimEnd().split("\n").values();

async function lane(): Promise<void> {
  for (const line of lines) await execa(command, [...args, line], { reject: false });
}

await Promise.all(Array.from({ length: Number(workers) }, lane));
