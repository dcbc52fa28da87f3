/** `cofferdam documents` that is interrupted, killed, or left by its reader. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, Program } from "../../../test/support/program.ts";
import { keeperOf } from "../../../test/support/processes.ts";
import { makeBomb } from "./support/pdf.ts";
import { useWorkspace } from "./support/workspace.ts";

const here = useWorkspace();

describe("an interrupted run", () => {
  async function startSlowRun(): Promise<Program> {
    here.addPaper("quick.pdf");
    for (const name of ["slow1.pdf", "slow2.pdf", "slow3.pdf"])
      writeFileSync(join(here.papers, name), makeBomb(12e9));
    const program = new Program(
      [
        cli,
        "documents",
        "papers",
        "--out",
        "out",
        "--workers",
        "2",
        "--memory",
        "9GB",
        "--progress",
        "json",
      ],
      { cwd: here.folder },
    );
    await program.said(/"item-finished"/);
    await program.said(/"item-started".*slow/);
    return program;
  }

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s: exit %i, all gone, what is done stays", async (signal, code) => {
    const program = await startSlowRun();
    process.kill(program.pid, signal);
    const finished = await program.finished;
    expect(finished.code).toBe(code);
    expect(finished.stdout).toMatch(/^1 converted · 0 failed · 3 not done/);
    expect(finished.stdout).toMatch(/ 0 (left|seen)/);
    expect(here.markdowns()).toEqual(["quick.md"]);
    expect(readdirSync(join(here.out, ".cofferdam", "unfinished"))).toEqual([]);
  });

  it("a second Ctrl-C ends it at once", async () => {
    const program = await startSlowRun();
    const keeper = keeperOf(program.pid);
    process.kill(keeper, "SIGSTOP"); // so that the first cannot be carried out
    process.kill(program.pid, "SIGINT");
    await program.said(/once more to quit at once/);
    process.kill(program.pid, "SIGINT");
    expect((await program.finished).code).toBe(130);
    try {
      process.kill(keeper, "SIGCONT");
    } catch {
      // The kernel continues a stopped group that has lost its parent; it has gone by itself.
    }
  });

  it("a second run in the same folder is refused while the first lives", async () => {
    const program = await startSlowRun();
    const second = await here.documents("papers", "--out", "out");
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/another run is writing to/);
    process.kill(program.pid, "SIGKILL");
    await program.finished;
    rmSync(here.papers, { recursive: true });
    mkdirSync(here.papers);
    here.addPaper("quick.pdf");
    expect((await here.documents("papers", "--out", "out")).code).toBe(0);
  });

  it("goes on when the reader of its output has gone", async () => {
    for (let index = 0; index < 5; index++) here.addPaper(`paper-${index}.pdf`);
    const program = new Program(
      [cli, "documents", "papers", "--out", "out", "--progress", "plain"],
      { cwd: here.folder },
    );
    program.child.stderr?.destroy();
    program.child.stdout?.destroy();
    await program.finished;
    expect(here.markdowns()).toHaveLength(5);
  });
});
