/** The pipelines of `examples/`, as a reader of the guide runs them. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runCli } from "../support/program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "example-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** As a fresh clone has it: what the pipeline has made here is not taken along. */
async function run(example: string): Promise<void> {
  const place = join(root, "examples/pipelines", example);
  const listed = execFileSync("git", ["ls-files", "-z"], { cwd: place, encoding: "utf8" });
  for (const name of listed.split("\0").filter((one) => one !== ""))
    cpSync(join(place, name), join(folder, name), { recursive: true });
  const { code, stderr } = await runCli(["run"], { cwd: folder });
  expect(stderr).toMatch(/0 failed/);
  expect(code).toBe(0);
  const { stderr: nothing } = await runCli(["run"], { cwd: folder });
  expect(nothing).toMatch(/0 done · \d+ skipped · 0 failed/);
}

const read = (name: string): string => readFileSync(join(folder, name), "utf8");

it("shell: readings to floods, and one parameter", async () => {
  await run("shell");
  expect(read("floods.csv")).toMatch(/^lock-4,2026-03-01T03:00,227\.3,flood\n/);
  const yaml = join(folder, "cofferdam.yaml");
  writeFileSync(yaml, readFileSync(yaml, "utf8").replace("flood_cm: 215", "flood_cm: 300"));
  const { stderr } = await runCli(["run"], { cwd: folder });
  expect(stderr).toMatch(/floods: 1 done · 0 failed\n {2}1 {2}param flood_cm: 215 → 300\n/);
  expect(stderr).toMatch(/1 done · 6 skipped/);
  expect(read("floods.csv")).toMatch(/^lock-4,.*,ok\n/);
});

it("modules: names to pseudonyms, with a cache and a limit", async () => {
  await run("modules");
  const visits = JSON.parse(read("visits.json")) as Record<string, number>;
  expect(Object.values(visits).reduce((sum, count) => sum + count, 0)).toBe(36);
  expect(read("pseudonyms/2026-03-01.txt")).not.toMatch(/Ada|Kofi/);
});

it.skipIf(!hasPython)(
  hasPython ? "python: readings to figures" : "python (skipped, because there is no python3)",
  async () => {
    await run("python");
    expect(read("table.csv")).toMatch(
      /^station,readings,mean_cm,outliers\r?\nferry-stairs,23,184\.93,3/,
    );
  },
);
