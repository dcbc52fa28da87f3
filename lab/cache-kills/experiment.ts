import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Experiment, UsageError } from "../experiment.ts";

const program = fileURLToPath(
  new URL("../../packages/cofferdam/test/fixtures/cache-process.ts", import.meta.url),
);
/** The moment of a kill: so long, at most, after the writer has begun. */
const momentMs = 200;

export interface Sound {
  readonly right: number;
  readonly wrong: number;
  readonly problems: readonly string[];
}

/** Kills writers of one cache at random moments, two at a time, and checks every value at the end. */
export async function killWriters(kills: number): Promise<Sound> {
  const folder = mkdtempSync(join(tmpdir(), "cache-kills-"));
  try {
    let left = kills;
    const one = async (): Promise<void> => {
      while (left-- > 0) await killOne(folder);
    };
    await Promise.all([one(), one()]);
    const check = start("check", folder);
    const [text] = (await once(check.stdout.setEncoding("utf8"), "data")) as [string];
    await once(check, "close");
    return JSON.parse(text) as Sound;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function killOne(folder: string): Promise<void> {
  const writer = start("write", folder);
  const closed = once(writer, "close");
  await once(writer.stdout, "data");
  await new Promise((resolve) => setTimeout(resolve, Math.random() * momentMs));
  writer.kill("SIGKILL");
  await closed;
}

function start(what: string, folder: string): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, ["--conditions=cofferdam-source", program, what, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

export const cacheKills: Experiment = {
  summary: "SIGKILL to writers of a cache at random moments; is it sound, and every value right",
  usage: `npm run lab cache-kills -- [--kills N] [--json]

Two processes at a time write values into one cache and compute others, and are killed at a random
moment. At the end the database is checked, and every value compared with the only right one.

  --kills N   (default 200)
  --json      the counts as JSON
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: { kills: { type: "string", default: "200" }, json: { type: "boolean" } },
    });
    const kills = Number(values.kills);
    if (!(Number.isSafeInteger(kills) && kills > 0))
      throw new UsageError("--kills takes a whole number above 0");
    const { right, wrong, problems } = await killWriters(kills);
    console.log(
      values.json
        ? JSON.stringify({ kills, right, wrong, problems })
        : `${kills} kills: ${right} values right, ${wrong} wrong; the database is ${problems.length === 0 ? "sound" : problems.join("; ")}`,
    );
    return wrong === 0 && problems.length === 0 && right > 0 ? 0 : 1;
  },
};
