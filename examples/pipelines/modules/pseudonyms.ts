import { scrypt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { currentTask, type StageItem } from "cofferdam";

const derive = promisify<string, string, number, { N: number; maxmem: number }, Buffer>(scrypt);

interface Params {
  readonly salt: string;
  readonly cost: number;
}

/** A log of visits, `TIME NAME` on each line, with pseudonyms in place of the names. */
export default async function replaceNames(item: StageItem): Promise<string> {
  const params = item.params as unknown as Params;
  const lines = (await readFile(item.in, "utf8")).trimEnd().split("\n");
  const replaced = lines.map(async (line) => {
    const [time = "", ...name] = line.split(" ");
    return `${time} ${await pseudonymOf(name.join(" "), params)}\n`;
  });
  return (await Promise.all(replaced)).join("");
}

/** The key is everything that shapes the value; a value that is there asks for no permit. */
async function pseudonymOf(name: string, { salt, cost }: Params): Promise<string> {
  const task = currentTask();
  return task.cache<string>("pseudonyms").getOrCompute({ name, salt, cost }, async () => {
    const permit = await task.limit("scrypt");
    try {
      const key = await derive(name, salt, 8, { N: 2 ** cost, maxmem: 2 ** (cost + 11) });
      return `visitor-${key.toString("hex")}`;
    } finally {
      permit.release();
    }
  });
}
