import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type EmptinessReport, readProcessStat, type Snapshot } from "./index.ts";

function census(...args: string[]) {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
}

it("exits 0 after a command that leaves nothing", () => {
  // With time: another run's new scratch, seen before its keeper holds it, would be taken for ours.
  const { status, stdout } = census("run", "--within", "20000", "--", "true");
  expect(stdout).toContain("left: 0");
  expect(status).toBe(0);
});

it("exits 1 and names what was left", () => {
  const script = "setsid sleep 600 >/dev/null 2>&1 &";
  const { status, stdout } = census("run", "--json", "--", "sh", "-c", script);
  const { left } = JSON.parse(stdout) as EmptinessReport;
  const [daemon] = left.processes.map((entry) => entry.process);
  if (daemon !== undefined && readProcessStat(daemon.pid)?.starttime === daemon.starttime) {
    process.kill(daemon.pid, "SIGKILL");
  }
  expect(daemon?.pid).toBeGreaterThan(1);
  expect(status).toBe(1);
});

it("compares with a snapshot from a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "census-"));
  try {
    const file = join(folder, "before.json");
    expect(census("snapshot", "--out", file).status).toBe(0);
    const before = JSON.parse(readFileSync(file, "utf8")) as Snapshot;
    expect(before.processes.map((entry) => entry.pid)).toContain(process.pid);
    expect(census("compare", file, "--within", "20000").status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("exits 2 on wrong usage", () => {
  for (const args of [[], ["count"], ["compare"], ["run"], ["snapshot", "--no-such"]]) {
    const { status, stderr } = census(...args);
    expect(stderr).toContain("census:");
    expect(status).toBe(2);
  }
});
