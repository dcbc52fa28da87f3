import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Census, openCensus, runFolder } from "../census/index.ts";

export interface Place {
  readonly out: string;
  readonly temporary: string;
}

/** Folders of one run's own: what is in them afterwards, this run has left. */
export function makePlace(): Place & Disposable {
  const folder = mkdtempSync(join(tmpdir(), "chaos-"));
  const [out, temporary] = [join(folder, "out"), join(folder, "t")];
  mkdirSync(temporary);
  return {
    out,
    temporary,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function openPlace({ temporary }: Place): { census: Census; env: NodeJS.ProcessEnv } {
  const census = openCensus({ scratch: [temporary, runFolder(temporary)] });
  return { census, env: { TMPDIR: temporary, ...census.env } };
}
