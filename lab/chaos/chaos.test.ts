import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { cofferdam } from "../survivors/adapters/cofferdam.ts";
import { chaos, type ChaosOptions } from "./chaos.ts";
import { drawMoment } from "./moments.ts";
import { checkOutputs } from "./outputs.ts";
import { createPrng } from "./prng.ts";
import { formatResult } from "./report.ts";
import { templateSubject } from "./subjects.ts";
import { findVictims, ProcessTree, VICTIM_KINDS, type VictimKind } from "./victims.ts";

const CONTAINED = fileURLToPath(new URL("stand-in/contained.ts", import.meta.url));
const STAND_IN = fileURLToPath(new URL("stand-in/command.ts", import.meta.url));

const PHASE = { name: "chosen", weight: 1, since: "worker" } as const;

function standIn(mode: string): Pick<ChaosOptions, "subject" | "times" | "seed" | "goneWithinMs"> {
  return {
    subject: templateSubject([process.execPath, STAND_IN, "{out}", mode], ".md"),
    times: 4,
    seed: 1,
    goneWithinMs: 20_000,
  };
}

describe("the harness", () => {
  it.for(["command", "worker"] as const)(
    "finds nothing wrong with a command that minds the death of its %s",
    async (victim) => {
      const result = await chaos({ ...standIn("careful"), victim });
      expect(result.rounds.flatMap((round) => round.violations)).toEqual([]);
      expect(result.outputs).toBe(12);
      expect(formatResult(result)).toContain("violations: 0");
    },
  );

  it("finds what a careless command leaves", async () => {
    // Undisturbed, it is careless only; disturbed, it is in the middle of a file when it is killed.
    let runs = 0;
    const result = await chaos({
      ...standIn("careless"),
      subject: {
        suffix: ".md",
        command: (out) => {
          runs += 1;
          return [process.execPath, STAND_IN, out, runs <= 2 ? "careless" : "stuck"];
        },
      },
      victim: "worker",
      times: 1,
      goneWithinMs: 500,
      phases: () => [{ ...PHASE, since: "output", fromMs: 0, toMs: 10 }],
    });
    const violations = result.rounds.flatMap((round) => round.violations).join("\n");
    expect(violations).toMatch(/unfinished or altered: 1\.md/);
    expect(violations).toMatch(/left at the end: .*sleep 600/);
    expect(violations).not.toMatch(/the harness could not end/);
    expect(result.undisturbedLeft).toBe(2);
  });

  it("finds that a run without its keeper does not complete", async () => {
    const result = await chaos({
      ...standIn("careful"),
      victim: "keeper",
      times: 1,
      phases: () => [{ ...PHASE, fromMs: 0, toMs: 10 }],
    });
    expect(result.rounds[0]?.violations.join("\n")).toMatch(/the run did not complete/);
  });
});

describe("Cofferdam", () => {
  it.for(VICTIM_KINDS)("stands the death of: %s", async (victim, test) => {
    const why = await cofferdam.available();
    test.skip(why !== null, why ?? "");
    const result = await chaos({
      subject: templateSubject(
        [process.execPath, "--conditions=cofferdam-source", CONTAINED, "{out}", "6"],
        ".md",
      ),
      victim,
      times: 2,
      seed: 1,
      goneWithinMs: 20_000,
    });
    expect(result.undisturbedLeft).toBe(0);
    expect(result.rounds.flatMap((round) => round.violations)).toEqual([]);
  });
});

describe("moments", () => {
  it("are the same for the same seed and round, and differ between rounds", () => {
    const phases = [{ ...PHASE, fromMs: 0, toMs: 1_000 }];
    const draw = (seed: number, round: number) => drawMoment(phases, createPrng(seed, round)).atMs;
    expect(draw(1, 1)).toBe(draw(1, 1));
    const rounds = Array.from({ length: 1_000 }, (_, round) => draw(1, round));
    expect(new Set(rounds).size).toBe(1_000);
    // Uniform enough: each tenth gets its share.
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const share = rounds.filter((atMs) => Math.floor(atMs / 100) === tenth).length;
      expect(share).toBeGreaterThan(50);
      expect(share).toBeLessThan(150);
    }
  });
});

it("finds victims by descent and name", () => {
  const stat = (pid: number, ppid: number, comm: string) => ({
    ...{ pid, ppid, comm, starttime: pid, pgid: 1, sid: 1, state: "S" },
    ...{ zombie: false, kernelThread: false },
  });
  const tree = new ProcessTree([
    stat(10, 1, "node"),
    stat(11, 10, "cofferdam-keepe"),
    stat(12, 11, "cofferdam-init"),
    stat(13, 12, "node"),
    stat(14, 11, "sh"),
    // Another run's.
    stat(21, 20, "cofferdam-keepe"),
    stat(22, 21, "cofferdam-init"),
    stat(23, 22, "node"),
  ]);
  const pids = (kind: VictimKind) =>
    findVictims(kind, 10, tree).map((found) => found.map(({ pid }) => pid));
  expect(pids("command")).toEqual([[10]]);
  expect(pids("keeper")).toEqual([[11]]);
  expect(pids("both")).toEqual([[10, 11]]);
  expect(pids("init")).toEqual([[12]]);
  expect(pids("worker")).toEqual([[13]]);
});

it("tells unfinished files from missing ones", () => {
  const reference = new Map([
    ["a.md", "1"],
    ["b.md", "2"],
  ]);
  expect(checkOutputs(new Map([["a.md", "other"]]), reference)).toEqual({
    torn: ["a.md"],
    missing: ["b.md"],
  });
});
