/** Every way in which Marker goes wrong: the document's own outcome, its neighbours', and nothing left. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Finished } from "../../../../test/support/program.ts";
import { hasPython, useMarker } from "../support/marker.ts";
import { useWorkspace } from "../support/workspace.ts";

const here = useWorkspace();
const python = hasPython();
const why = "skipped, because there is no python3 with venv";

interface Failure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

interface Report {
  readonly counts: Record<string, number>;
  readonly failures: readonly Failure[];
  readonly scope: {
    readonly processes: { readonly left: number; readonly verified: boolean };
    readonly leaks: readonly { readonly kind: string; readonly name: string }[];
    readonly containment: { readonly tree: string };
  };
}

function readReport(): Report {
  return JSON.parse(readFileSync(join(here.folder, "report.json"), "utf8")) as Report;
}

describe.skipIf(!python)(python ? "Marker's faults" : `Marker's faults (${why})`, () => {
  const marker = useMarker();
  // A worker whose models are there at once can come and go between two looks.
  const loading = useMarker({ loadSeconds: 0.3 });

  async function convert(...flags: string[]): Promise<Finished & { report: Report }> {
    const finished = await here.documents(
      "papers",
      "--out",
      "out",
      "--engine",
      "marker",
      "--marker",
      (flags.includes("--batch") ? loading : marker).bin,
      "--progress",
      "plain",
      "--report",
      "report.json",
      ...flags,
    );
    return { ...finished, report: readReport() };
  }

  /** What each fault is told as, alone and in a batch. */
  const faults: readonly [string, string, RegExp, string[]][] = [
    ["give-up", "MARKER_FAILED", /the layout of this page is beyond me/, []],
    ["hang", "TIMEOUT", /still running after/, ["--timeout", "3s"]],
    ["grow", "MEMORY", /above their bound of 400 MB/, ["--memory", "400MB", "--timeout", "60s"]],
    ["segfault", "CRASH", /ended by SIGSEGV/, ["--timeout", "60s"]],
    ["killed", "CRASH", /ended by SIGKILL/, ["--timeout", "60s"]],
    ["blank", "NO_OUTPUT", /found no text in it: what it wrote is empty/, []],
    ["half", "MARKER_FAILED", /No space left on device/, []],
    [
      "lock-and-die",
      "MARKER_FAILED",
      /ended abnormally while it held 1 semaphore/,
      ["--timeout", "60s"],
    ],
    [
      "pool-and-die",
      "MARKER_FAILED",
      /ended abnormally while it held 6 semaphore.*pool of workers/,
      ["--timeout", "60s"],
    ],
  ];

  it.each(faults)("%s, alone: %s", async (fault, code, message, flags) => {
    here.addPaper("before.pdf");
    here.addPaper("fault.pdf", `stand-in: ${fault}`);
    here.addPaper("later.pdf");
    const { report, code: exit } = await convert(...flags);
    expect(report.failures).toMatchObject([
      { code, message: expect.stringMatching(message) as string },
    ]);
    expect(report.counts).toMatchObject({ total: 3, done: 2, failed: 1, pending: 0 });
    expect(exit).toBe(3);
    expectNothingLeft(report);
  });

  it.each(faults.filter(([fault]) => fault !== "grow"))(
    "%s, in a batch: it alone fails",
    async (fault, code, message, flags) => {
      for (const name of ["a", "b", "c", "d"]) here.addPaper(`${name}.pdf`);
      here.addPaper("fault.pdf", `stand-in: ${fault}`);
      const { report, stderr } = await convert("--batch", "5", "--workers", "2", ...flags);
      expect(here.markdowns(), stderr).toEqual(["a.md", "b.md", "c.md", "d.md"]);
      expect(report.counts).toMatchObject({ total: 5, done: 4, failed: 1, pending: 0 });
      const [failure] = report.failures;
      // A worker of Marker may start no pool of its own.
      const inBatch: Record<string, RegExp> = {
        "pool-and-die": /are not allowed to have children/,
      };
      expect(failure?.code).toBe(code);
      expect(failure?.message).toMatch(inBatch[fault] ?? message);
      expectNothingLeft(report);
    },
  );

  it("two of a batch that end their workers: they alone fail", async () => {
    for (const name of ["a", "c", "d", "f", "g"]) here.addPaper(`${name}.pdf`);
    here.addPaper("b.pdf", "stand-in: segfault");
    here.addPaper("e.pdf", "stand-in: killed");
    const { report, stderr } = await convert("--batch", "7", "--workers", "2", "--timeout", "60s");
    expect(here.markdowns(), stderr).toEqual(["a.md", "c.md", "d.md", "f.md", "g.md"]);
    expect(report.failures.map(({ code }) => code)).toEqual(["CRASH", "CRASH"]);
    expectNothingLeft(report);
  });

  it("memory growth in a batch", async () => {
    for (const name of ["a", "b", "c"]) here.addPaper(`${name}.pdf`);
    here.addPaper("fault.pdf", "stand-in: grow");
    const { report } = await convert("--batch", "4", "--memory", "400MB", "--timeout", "60s");
    expect(here.markdowns()).toEqual(["a.md", "b.md", "c.md"]);
    expect(report.failures).toMatchObject([{ code: "MEMORY" }]);
    expectNothingLeft(report);
  });

  it.each([[[]], [["--batch", "3"]]])(
    "a daemon that outlives it is ended, and said (%j)",
    async (flags) => {
      here.addPaper("a.pdf");
      here.addPaper("b.pdf", "stand-in: daemon");
      const { report, code } = await convert(...flags);
      expect(code).toBe(0);
      expect(report.counts).toMatchObject({ done: 2, failed: 0 });
      // With it Python's resource tracker, which waits for the last who has its pipe.
      expect(new Set(report.scope.leaks.map(({ kind }) => kind))).toEqual(new Set(["process"]));
      expectNothingLeft(report);
    },
  );

  it("a block of shared memory that it leaves is gone, and said", async () => {
    here.addPaper("a.pdf", "stand-in: shared-memory");
    const { report, code } = await convert();
    expect(code).toBe(0);
    if (report.scope.containment.tree === "namespace")
      expect(report.scope.leaks).toMatchObject([{ kind: "shared-memory", name: "stand-in" }]);
    expectNothingLeft(report);
    expect(existsSync("/dev/shm/stand-in")).toBe(false);
  });

  it.each([[[]], [["--batch", "3", "--timeout", "60s"]]])(
    "a document that is whole when Marker dies is converted (%j)",
    async (flags) => {
      here.addPaper("a.pdf");
      here.addPaper("whole.pdf", "stand-in: write-and-die");
      const { report, code, stderr } = await convert(...flags);
      expect(readFileSync(join(here.out, "whole.md"), "utf8")).toBe("Whole, and then dead.\n");
      expect(here.markdowns()).toEqual(["a.md", "whole.md"]);
      expect(code).toBe(0);
      if (flags.length === 0)
        expect(stderr).toMatch(/warning: whole.pdf was converted whole, and then Marker was ended/);
      expectNothingLeft(report);
    },
  );

  it("the whole program dies in the midst of a batch: only the culprit fails", async () => {
    for (let index = 0; index < 8; index++) here.addPaper(`paper-${index}.pdf`);
    here.addPaper("fault.pdf", "stand-in: kill-parent");
    const { report, stderr } = await convert("--batch", "9", "--workers", "2", "--timeout", "60s");
    expect(report.counts, stderr).toMatchObject({ total: 9, done: 8, failed: 1 });
    expect(report.failures[0]?.path).toMatch(/fault\.pdf$/);
    expect(stderr).toMatch(/a batch ended early: Marker was ended by SIGKILL/);
    expectNothingLeft(report);
  });

  function expectNothingLeft(report: Report): void {
    expect(report.scope.processes.left).toBe(0);
    expect(existsSync(join(here.out, ".cofferdam", "marker"))).toBe(false);
    expect(readdirSync(join(here.out, ".cofferdam", "unfinished"))).toEqual([]);
    // Processes, semaphores and scratch are counted after each test by the census as well.
  }
});

describe.skipIf(!python)(
  python ? "an installation that lacks" : `an installation that lacks (${why})`,
  () => {
    describe("its models", () => {
      const marker = useMarker({ noModels: true });
      it.each([[[]], [["--batch", "3", "--workers", "2"]]])(
        "says so, and tries no document after the first (%j)",
        async (flags) => {
          for (const name of ["a", "b", "c", "d"]) here.addPaper(`${name}.pdf`);
          const { code, stderr } = await here.documents(
            "papers",
            "--out",
            "out",
            "--engine",
            "marker",
            "--marker",
            marker.bin,
            "--report",
            "report.json",
            ...flags,
          );
          expect(code).toBe(2);
          const { failures } = readReport();
          expect(failures.map((failure) => failure.code)).toEqual(
            Array.from({ length: 4 }, () => "MARKER_SETUP"),
          );
          expect(failures[0]?.message).toMatch(
            /could not be fetched from models\.datalab\.to; run marker_single once/,
          );
          expect(stderr.match(/Starting (isolated|batch)/g)).toHaveLength(1);
        },
      );
    });
  },
);
