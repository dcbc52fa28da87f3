/** `cofferdam documents` as people use it: a process, files, exit codes. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureCodes } from "../src/index.ts";
import { cli, Program, runCli, type Finished } from "../../../test/support/program.ts";
import { keeperOf } from "../../../test/support/processes.ts";
import { makeBomb, makePdf } from "./support/pdf.ts";
import { findSharedPdfs } from "./support/shared.ts";

let folder: string;
let papers: string;
let out: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "documents-"));
  papers = join(folder, "papers");
  out = join(folder, "out");
  mkdirSync(papers);
});

afterEach(() => rmSync(folder, { recursive: true }));

function addPaper(name: string, text = `This is the text of a paper.`): string {
  const path = join(papers, name);
  writeFileSync(path, makePdf([text]));
  return path;
}

function documents(...args: string[]): Promise<Finished> {
  return runCli(["documents", ...args], { cwd: folder });
}

function markdowns(): string[] {
  return readdirSync(out)
    .filter((name) => name.endsWith(".md"))
    .sort();
}

describe("cofferdam documents", () => {
  it("converts a folder, says what became of it, and skips what is unchanged", async () => {
    addPaper("one.pdf");
    mkdirSync(join(papers, "deep"));
    addPaper("deep/two.PDF");
    addPaper(".hidden.pdf");
    writeFileSync(join(papers, "notes.txt"), "no PDF");
    const first = await documents("papers", "--out", "out", "--workers", "2");
    expect(first.stdout).toMatch(/^2 converted · 0 failed · .* · peak .* → out\/\n/);
    expect(first.stdout).toMatch(/\d+ processes started · 0 (left \(verified: namespace\)|seen)/);
    expect(first.code).toBe(0);
    expect(markdowns()).toEqual(["one.md", "two.md"]);
    expect(readFileSync(join(out, "one.md"), "utf8")).toBe("This is the text of a paper.\n");

    const second = await documents("papers", "--out", "out");
    expect(second.stdout).toMatch(/^2 unchanged · 0 failed/);
    expect(second.code).toBe(0);
  });

  it("does again what has changed, and only that", async () => {
    const one = addPaper("one.pdf");
    addPaper("two.pdf");
    addPaper("three.pdf");
    await documents("papers", "--out", "out");
    writeFileSync(one, makePdf(["Another text."]));
    utimesSync(join(papers, "two.pdf"), 1, 1); // touched: another stamp, the same content
    rmSync(join(out, "three.md"));
    const { stdout } = await documents("papers", "--out", "out");
    expect(stdout).toMatch(/^2 converted · 1 unchanged · 0 failed/);
    expect(readFileSync(join(out, "one.md"), "utf8")).toBe("Another text.\n");
    expect((await documents("papers", "--out", "out", "--page-markers")).stdout).toMatch(
      /^3 converted/,
    );
    expect(readFileSync(join(out, "one.md"), "utf8")).toContain("page 1");
    expect((await documents("papers", "--out", "out", "--page-markers", "--force")).stdout).toMatch(
      /^3 converted/,
    );
  });

  it("never lets two inputs write to one file", async () => {
    mkdirSync(join(papers, "a"));
    mkdirSync(join(papers, "b"));
    addPaper("a/paper.pdf", "The first.");
    addPaper("b/paper.pdf", "The second.");
    addPaper("b/PAPER.pdf", "The third.");
    expect((await documents("papers", "--out", "out")).code).toBe(0);
    const names = markdowns();
    expect(names).toHaveLength(3);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(3);
    const texts = names.map((name) => readFileSync(join(out, name), "utf8"));
    expect(texts.sort()).toEqual(["The first.\n", "The second.\n", "The third.\n"]);
    await documents("papers", "--out", "out", "--force");
    expect(markdowns()).toEqual(names);
  });

  it("does not write over a file that is not its own, unless told to", async () => {
    addPaper("mine.pdf");
    mkdirSync(out);
    writeFileSync(join(out, "mine.md"), "written by hand");
    for (let run = 0; run < 2; run++) {
      const refused = await documents("papers", "--out", "out");
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(/OUTPUT.*mine\.md.*not written by an earlier run.*--force/);
      expect(readFileSync(join(out, "mine.md"), "utf8")).toBe("written by hand");
    }
    expect((await documents("papers", "--out", "out", "--force")).code).toBe(0);
    expect(readFileSync(join(out, "mine.md"), "utf8")).toBe("This is the text of a paper.\n");
  });

  it("does not do so either for an item that has failed before", async () => {
    writeFileSync(join(papers, "mine.pdf"), "no PDF yet");
    await documents("papers", "--out", "out");
    writeFileSync(join(out, "mine.md"), "written by hand");
    addPaper("mine.pdf");
    expect((await documents("papers", "--out", "out")).stderr).toMatch(
      /not written by an earlier run/,
    );
    expect(readFileSync(join(out, "mine.md"), "utf8")).toBe("written by hand");
  });

  it("takes names as they are: spaces, quotes, newlines, #, dashes, escapes", async () => {
    const names = [
      "a b.pdf",
      'it\'s "x".pdf',
      "new\nline.pdf",
      "#1?.pdf",
      "-rf.pdf",
      "ü\u202e.pdf",
      "\u001b[31m.pdf",
      "$(id).pdf",
      "%s.pdf",
    ];
    for (const name of names) addPaper(name);
    const { code, stderr } = await documents("papers", "--out", "out", "--progress", "plain");
    expect(code).toBe(0);
    expect(markdowns()).toEqual(names.map((name) => name.replace(".pdf", ".md")).sort());
    expect(stderr).not.toContain("\u001b");
    expect(stderr).not.toContain("new\nline");
    const dashed = await runCli(["documents", "--out", "../dashed", "--", "-rf.pdf"], {
      cwd: papers,
    });
    expect(dashed.code).toBe(0);
  });

  it("gives every failure a code and a sentence, and goes on", async () => {
    addPaper("good.pdf");
    writeFileSync(join(papers, "empty.pdf"), "");
    writeFileSync(join(papers, "text.pdf"), "just text");
    writeFileSync(join(papers, "bomb.pdf"), makeBomb(6e9));
    symlinkSync("nowhere.pdf", join(papers, "dangling.pdf"));
    const { code, stdout } = await documents(
      "papers",
      "--out",
      "out",
      "--memory",
      "500MB",
      "--report",
      "report.json",
    );
    expect(stdout).toMatch(/^1 converted · 4 failed/);
    expect(code).toBe(3);
    const report = JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) as {
      failures: { path: string; code: string; message: string }[];
      counts: Record<string, number>;
    };
    const byName: Record<string, { code: string; message: string }> = Object.fromEntries(
      report.failures.map((failure) => [basename(failure.path), failure]),
    );
    expect(byName["empty.pdf"]?.code).toBe("PDF_EMPTY");
    expect(byName["text.pdf"]?.code).toBe("PDF_NOT_A_PDF");
    expect(byName["bomb.pdf"]).toMatchObject({
      code: "MEMORY",
      message: expect.stringContaining("500 MB") as string,
    });
    expect(byName["dangling.pdf"]?.code).toBe("UNREADABLE");
    expect(report.counts).toMatchObject({ total: 5, done: 1, failed: 4, pending: 0 });
  });

  it.skipIf(process.getuid?.() === 0)(
    "says that a file cannot be read (skipped, because root can read all)",
    async () => {
      chmodSync(addPaper("secret.pdf"), 0o000);
      const { code, stderr } = await documents("papers", "--out", "out");
      expect(code).toBe(2);
      expect(stderr).toMatch(/UNREADABLE: it cannot be read: permission is denied/);
    },
  );

  it("ends a document at its deadline", async () => {
    writeFileSync(join(papers, "slow.pdf"), makeBomb(12e9));
    const { code, stderr } = await documents(
      "papers",
      "--out",
      "out",
      "--timeout",
      "200ms",
      "--memory",
      "8GB",
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/TIMEOUT: it was still running after 200 ms/);
  });
});

describe("wrong input", () => {
  it.each([
    ["no path", ["--out", "out"], /missing required argument/],
    ["no output folder", ["papers"], /required option '-o, --out <dir>' not specified/],
    [
      "a path that is not there",
      ["nowhere", "--out", "out"],
      /nowhere: there is no such file or folder/,
    ],
    [
      "no workers",
      ["papers", "--out", "out", "--workers", "0"],
      /"0" is not a whole number above 0/,
    ],
    [
      "half a worker",
      ["papers", "--out", "out", "--workers", "1.5"],
      /"1.5" is not a whole number/,
    ],
    [
      "a timeout that is none",
      ["papers", "--out", "out", "--timeout", "soon"],
      /"soon" is not a duration/,
    ],
    ["a size that is none", ["papers", "--out", "out", "--memory", "lots"], /"lots" is not a size/],
    [
      "an unknown option",
      ["papers", "--out", "out", "--wrokers", "2"],
      /unknown option '--wrokers'.*--workers/s,
    ],
    [
      "a progress that is none",
      ["papers", "--out", "out", "--progress", "loud"],
      /Allowed choices/,
    ],
    [
      "a report in no folder",
      ["papers", "--out", "out", "--report", "gone/r.json"],
      /report cannot be written/,
    ],
  ])("%s: one clear line, exit 1, nothing written", async (_, args, message) => {
    addPaper("one.pdf");
    const { code, stderr } = await documents(...args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(3);
    expect(code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  it("an output folder that is a file", async () => {
    addPaper("one.pdf");
    writeFileSync(out, "precious");
    const { code, stderr } = await documents("papers", "--out", "out");
    expect(code).toBe(1);
    expect(stderr).toMatch(/out cannot be used: it is a file/);
    expect(readFileSync(out, "utf8")).toBe("precious");
  });

  it("no PDFs: exit 2", async () => {
    const { code, stderr } = await documents("papers", "--out", "out");
    expect(code).toBe(2);
    expect(stderr).toMatch(/no PDFs in papers/);
  });

  it("a manifest that is damaged", async () => {
    addPaper("one.pdf");
    mkdirSync(join(out, ".cofferdam"), { recursive: true });
    writeFileSync(
      join(out, ".cofferdam", "manifest.db"),
      "this is no database, but long enough to be one".repeat(50),
    );
    const { code, stderr } = await documents("papers", "--out", "out");
    expect(code).toBe(1);
    expect(stderr).toMatch(/manifest .* cannot be used .*move it away/);
  });
});

describe("an interrupted run", () => {
  async function startSlowRun(): Promise<Program> {
    addPaper("quick.pdf");
    for (const name of ["slow1.pdf", "slow2.pdf", "slow3.pdf"])
      writeFileSync(join(papers, name), makeBomb(12e9));
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
      { cwd: folder },
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
    expect(markdowns()).toEqual(["quick.md"]);
    expect(readdirSync(join(out, ".cofferdam", "unfinished"))).toEqual([]);
  });

  it("a second Ctrl-C ends it at once", async () => {
    const program = await startSlowRun();
    const keeper = keeperOf(program.pid);
    process.kill(keeper, "SIGSTOP"); // so that the first cannot be carried out
    process.kill(program.pid, "SIGINT");
    await program.said(/once more to quit at once/);
    process.kill(program.pid, "SIGINT");
    expect((await program.finished).code).toBe(130);
    process.kill(keeper, "SIGCONT");
  });

  it("a second run in the same folder is refused while the first lives", async () => {
    const program = await startSlowRun();
    const second = await documents("papers", "--out", "out");
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/another run is writing to/);
    process.kill(program.pid, "SIGKILL");
    await program.finished;
    rmSync(papers, { recursive: true });
    mkdirSync(papers);
    addPaper("quick.pdf");
    expect((await documents("papers", "--out", "out")).code).toBe(0);
  });

  it("goes on when the reader of its output has gone", async () => {
    for (let index = 0; index < 5; index++) addPaper(`paper-${index}.pdf`);
    const program = new Program(
      [cli, "documents", "papers", "--out", "out", "--progress", "plain"],
      { cwd: folder },
    );
    program.child.stderr?.destroy();
    program.child.stdout?.destroy();
    await program.finished;
    expect(markdowns()).toHaveLength(5);
  });
});

const shared = findSharedPdfs();

describe.skipIf(shared === null)(
  shared === null
    ? "real PDFs (skipped, because they are not here)"
    : "real PDFs, sound, odd and damaged",
  () => {
    it("every one is converted or fails with a code of the closed list", async () => {
      const { code, stdout } = await documents(
        shared ?? "",
        "--out",
        "out",
        "--report",
        "report.json",
      );
      expect(code).toBe(3);
      expect(stdout).toMatch(/0 (left|seen)/);
      const report = JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) as {
        failures: { code: string; message: string }[];
        counts: { total: number; done: number; failed: number };
      };
      expect(report.counts.done + report.counts.failed).toBe(report.counts.total);
      expect(report.counts.done).toBe(markdowns().length);
      for (const failure of report.failures) {
        expect(failureCodes).toContain(failure.code);
        expect(failure.code).not.toBe("ENGINE");
        expect(failure.message).toMatch(/^\S.{20,}/);
      }
    });
  },
);
