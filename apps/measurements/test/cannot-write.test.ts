/** A disk that is full, and folders that may not be written to. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli, type Finished } from "../../../test/support/program.ts";
import { describeResults } from "./support/results.ts";
import { sweep } from "./support/sweep.ts";

const fullDisk = fileURLToPath(new URL("./programs/full-disk.ts", import.meta.url));
const roots = {
  stage: "data/02_stage/raw_measurements",
  preprocess: "data/03_intermediate/iv_segments",
};
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "m-"));
  const raw = join(folder, "data/01_raw");
  mkdirSync(raw, { recursive: true });
  for (const name of ["a", "b", "c", "d"]) writeFileSync(join(raw, `${name}.csv`), sweep("IV"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(command: string, env: Record<string, string> = {}): Promise<Finished> {
  const args = ["measurements", ...command.split(" "), "--workers", "1", "--progress", "none"];
  return runCli(args, { cwd: folder, env });
}

describe.each(["stage", "preprocess"] as const)("%s", (command) => {
  const all = (): Promise<unknown> => describeResults(join(folder, "data"));
  beforeEach(async () => {
    if (command === "preprocess") await run("stage");
  });

  it("ends on a full disk, says what to do, and goes on where it was", async () => {
    const full = await run(command, { NODE_OPTIONS: `--import=${fullDisk}`, FULL_AT: "8" });
    expect(full.stderr).toMatch(
      /^cofferdam: data\/0\S+ could not be written or removed \(ENOSPC: .*\), so the run was ended; what it has recorded is done, and the same command does the rest: .*\n$/,
    );
    expect(full).toMatchObject({ code: 1, stdout: "" });
    const later = await run(command);
    expect(later.stderr).toBe("");
    expect(later.stdout).toMatch(/\d done before the interruption/);
    expect(later.code).toBe(0);
    const made = await all();
    rmSync(join(folder, roots[command]), { recursive: true });
    await run(command);
    expect(made).toEqual(await all());
  });

  it.skipIf(process.getuid?.() === 0)(
    "says so where it may not write (skipped, because root may)",
    async () => {
      const root = join(folder, roots[command]);
      mkdirSync(root, { recursive: true });
      chmodSync(root, 0o555);
      const fresh = await run(command);
      expect(fresh.stderr).toMatch(/_manifest cannot be used: EACCES.*nothing was changed/);
      expect(fresh.code).toBe(1);
      chmodSync(root, 0o755);
      await run(command);
      chmodSync(join(root, "_manifest/state.db"), 0o444);
      const later = await run(command);
      expect(later.stderr).toMatch(/state\.db cannot be written .*nothing was changed/);
      expect(later.code).toBe(1);
    },
  );
});

it.skipIf(!existsSync("/dev/full"))(
  "a summary that cannot be written does not hide what was done",
  async () => {
    symlinkSync("/dev/full", join(folder, "s.json"));
    const { stdout, stderr, code } = await run("stage --summary s.json");
    expect(stdout).toMatch(/stage: 4 files \(4 new\)/);
    expect(stderr).toMatch(
      /^cofferdam: the summary could not be written to s\.json: ENOSPC.*the work itself is done\n$/,
    );
    expect(code).toBe(1);
  },
);
