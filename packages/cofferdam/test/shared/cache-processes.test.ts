/** A cache between processes: who computes, who takes over, and what a SIGKILL leaves. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Program } from "../../../../test/support/program.ts";

const fixture = fileURLToPath(new URL("../fixtures/cache-process.ts", import.meta.url));

let folder: string;
let programs: Program[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cache-"));
  programs = [];
});

afterEach(async () => {
  for (const { child } of programs) child.kill("SIGKILL");
  await Promise.all(programs.map(({ finished }) => finished));
  rmSync(folder, { recursive: true });
});

function start(what: string, key = "key"): Program {
  const program = new Program([fixture, what, folder, key]);
  programs.push(program);
  return program;
}

describe("a cache that processes share", () => {
  it("has one of them compute, and the rest wait", async () => {
    const all = Array.from({ length: 5 }, () => start("get"));
    const ends = await Promise.all(all.map(({ finished }) => finished));
    expect(ends.map(({ code, stdout }) => [code, /VALUE (\d+)/.exec(stdout)?.[1]])).toEqual(
      all.map(() => [0, "207"]),
    );
    expect(ends.filter(({ stdout }) => stdout.includes("COMPUTING"))).toHaveLength(1);
  });

  it("has another take over when the one that computes is killed", async () => {
    const holder = start("hold");
    await holder.said(/COMPUTING/);
    const others = [start("get"), start("get"), start("get")];
    await Promise.all(others.map((other) => other.said(/ASKING/)));
    const unrelated = await start("get", "another key").finished;
    expect(unrelated.stdout).toContain("VALUE 207");
    expect(others.map(({ stdout }) => stdout.trim())).toEqual(["ASKING", "ASKING", "ASKING"]);
    holder.child.kill("SIGKILL");
    const ends = await Promise.all(others.map(({ finished }) => finished));
    expect(ends.filter(({ stdout }) => stdout.includes("COMPUTING"))).toHaveLength(1);
    for (const { stdout } of ends) expect(stdout).toContain("VALUE 207");
  });

  it("is sound, with no wrong value, after its writers were killed again and again", async () => {
    for (let round = 0; round < 3; round++) {
      const writers = [start("write"), start("write")];
      await Promise.all(writers.map((writer) => writer.said(/WRITING/)));
      // Somewhere in the work: after as many turns of our own loop as the round says.
      for (let turn = 0; turn < round * 60; turn++) await new Promise(setImmediate);
      for (const writer of writers) writer.child.kill("SIGKILL");
      await Promise.all(writers.map(({ finished }) => finished));
    }
    const { stdout } = await start("check").finished;
    expect(JSON.parse(stdout.trim())).toMatchObject({ wrong: 0, problems: [] });
    await start("get").finished; // whoever computes next sweeps what the dead have left
    expect(readdirSync(join(folder, "present"))).toEqual([]);
  });

  const mount = ["--mount", "--map-root-user", "sh", "-c"];
  const mountable =
    spawnSync("unshare", [...mount, `mount -t tmpfs -o size=1m none ${tmpdir()}`]).status === 0;
  it.skipIf(!mountable)(
    `gives values while its disk is full${mountable ? "" : " (skipped, because nothing can be mounted here)"}`,
    () => {
      const { stdout, stderr } = spawnSync(
        "unshare",
        [
          ...mount,
          'mount -t tmpfs -o size=1m none "$0" && exec "$@"',
          folder,
          process.execPath,
          "--conditions=cofferdam-source",
          fixture,
          "fill",
          folder,
        ],
        { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } },
      );
      const lines = stdout.trim().split("\n");
      expect(lines, stderr).toHaveLength(2);
      expect(lines[0]).toMatch(/cannot be written \(.*full\).*computed and not kept/);
      expect(JSON.parse(lines[1] ?? "")).toEqual({ kept: 3000, code: "CACHE_UNUSABLE" });
    },
  );
});
