/** `cofferdam documents` as people use it: a process, files, exit codes. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../../../test/support/program.ts";
import { makeBomb, makePdf } from "./support/pdf.ts";
import { useWorkspace } from "./support/workspace.ts";

const here = useWorkspace();

describe("cofferdam documents", () => {
  it("converts a folder, says what became of it, and skips what is unchanged", async () => {
    here.addPaper("one.pdf");
    mkdirSync(join(here.papers, "deep"));
    here.addPaper("deep/two.PDF");
    here.addPaper(".hidden.pdf");
    writeFileSync(join(here.papers, "notes.txt"), "no PDF");
    const first = await here.documents("papers", "--out", "out", "--workers", "2");
    expect(first.stdout).toMatch(/^2 converted · 0 failed · .* · peak .* → out\/\n/);
    expect(first.stdout).toMatch(/\d+ processes started · 0 (left \(verified: namespace\)|seen)/);
    expect(first.code).toBe(0);
    expect(here.markdowns()).toEqual(["one.md", "two.md"]);
    expect(readFileSync(join(here.out, "one.md"), "utf8")).toBe("This is the text of one.pdf.\n");

    const second = await here.documents("papers", "--out", "out");
    expect(second.stdout).toMatch(/^2 unchanged · 0 failed/);
    expect(second.code).toBe(0);
  });

  it("does again what has changed, and only that", async () => {
    const one = here.addPaper("one.pdf");
    here.addPaper("two.pdf");
    here.addPaper("three.pdf");
    await here.documents("papers", "--out", "out");
    writeFileSync(one, makePdf(["Another text."]));
    utimesSync(join(here.papers, "two.pdf"), 1, 1); // touched: another stamp, the same content
    rmSync(join(here.out, "three.md"));
    const { stdout } = await here.documents("papers", "--out", "out");
    expect(stdout).toMatch(/^2 converted · 1 unchanged · 0 failed/);
    expect(readFileSync(join(here.out, "one.md"), "utf8")).toBe("Another text.\n");
    expect((await here.documents("papers", "--out", "out", "--page-markers")).stdout).toMatch(
      /^3 converted/,
    );
    expect(readFileSync(join(here.out, "one.md"), "utf8")).toContain("page 1");
    expect(
      (await here.documents("papers", "--out", "out", "--page-markers", "--force")).stdout,
    ).toMatch(/^3 converted/);
  });

  it("gives a new copy of a document the result of that one, as long as nobody has edited it", async () => {
    const one = here.addPaper("one.pdf");
    await here.documents("papers", "--out", "out", "--chunks");
    copyFileSync(one, join(here.papers, "two.pdf"));
    const second = await here.documents("papers", "--out", "out", "--chunks");
    expect(second.stdout).toMatch(/^1 copy · 1 unchanged · 0 failed/);

    const [made, chunks] = ["one.md", "one.chunks.json"].map((name) => join(here.out, name));
    const notes = "# My notes\n";
    const edit = async (path = "", copy: string): Promise<void> => {
      const text = readFileSync(path, "utf8");
      writeFileSync(path, notes);
      copyFileSync(one, join(here.papers, `${copy}.pdf`));
      const { stdout } = await here.documents("papers", "--out", "out", "--chunks");
      expect(stdout).toMatch(/^1 converted · \d unchanged · 0 failed/);
      expect(readFileSync(path, "utf8")).toBe(notes);
      writeFileSync(path, text);
    };
    await edit(made, "three");
    await edit(chunks, "four");
    for (const name of ["two", "three", "four"]) {
      expect(readFileSync(join(here.out, `${name}.md`), "utf8")).toBe(
        "This is the text of one.pdf.\n",
      );
      expect(readFileSync(join(here.out, `${name}.chunks.json`), "utf8")).toContain("text of one");
    }
  });

  it("never lets two inputs write to one file", async () => {
    mkdirSync(join(here.papers, "a"));
    mkdirSync(join(here.papers, "b"));
    here.addPaper("a/paper.pdf", "The first.");
    here.addPaper("b/paper.pdf", "The second.");
    here.addPaper("b/PAPER.pdf", "The third.");
    expect((await here.documents("papers", "--out", "out")).code).toBe(0);
    const names = here.markdowns();
    expect(names).toHaveLength(3);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(3);
    const texts = names.map((name) => readFileSync(join(here.out, name), "utf8"));
    expect(texts.sort()).toEqual(["The first.\n", "The second.\n", "The third.\n"]);
    await here.documents("papers", "--out", "out", "--force");
    expect(here.markdowns()).toEqual(names);
  });

  it("does not write over a file that is not its own, unless told to", async () => {
    here.addPaper("mine.pdf");
    mkdirSync(here.out);
    writeFileSync(join(here.out, "mine.md"), "written by hand");
    for (let run = 0; run < 2; run++) {
      const refused = await here.documents("papers", "--out", "out");
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(/OUTPUT.*mine\.md.*not written by an earlier run.*--force/);
      expect(readFileSync(join(here.out, "mine.md"), "utf8")).toBe("written by hand");
    }
    expect((await here.documents("papers", "--out", "out", "--force")).code).toBe(0);
    expect(readFileSync(join(here.out, "mine.md"), "utf8")).toBe("This is the text of mine.pdf.\n");
  });

  it("does not do so either for an item that has failed before", async () => {
    writeFileSync(join(here.papers, "mine.pdf"), "no PDF yet");
    await here.documents("papers", "--out", "out");
    writeFileSync(join(here.out, "mine.md"), "written by hand");
    here.addPaper("mine.pdf");
    expect((await here.documents("papers", "--out", "out")).stderr).toMatch(
      /not written by an earlier run/,
    );
    expect(readFileSync(join(here.out, "mine.md"), "utf8")).toBe("written by hand");
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
    for (const name of names) here.addPaper(name);
    const { code, stderr } = await here.documents("papers", "--out", "out", "--progress", "plain");
    expect(code).toBe(0);
    expect(here.markdowns()).toEqual(names.map((name) => name.replace(".pdf", ".md")).sort());
    expect(stderr).not.toContain("\u001b");
    expect(stderr).not.toContain("new\nline");
    const dashed = await runCli(["documents", "--out", "../dashed", "--", "-rf.pdf"], {
      cwd: here.papers,
    });
    expect(dashed.code).toBe(0);
  });

  // Apple's file systems refuse such names.
  it.skipIf(process.platform === "darwin")(
    "counts each file whose name is not UTF-8, tells it, and does the rest",
    async () => {
      here.addPaper("good.pdf");
      here.addPaper("caf\ufffd.pdf");
      const bytes = (...parts: (string | number)[]): Buffer =>
        Buffer.concat(
          [here.papers, "/", ...parts].map((part) =>
            typeof part === "number" ? Buffer.of(part) : Buffer.from(part),
          ),
        );
      for (const byte of [0xe8, 0xe9])
        copyFileSync(join(here.papers, "good.pdf"), bytes("caf", byte, ".pdf"));
      mkdirSync(bytes("d", 0xff));
      here.addPaper("deep.pdf");
      renameSync(join(here.papers, "deep.pdf"), bytes("d", 0xff, "/deep.pdf"));
      const { code, stdout, stderr } = await here.documents("papers", "--out", "out");
      expect(stdout).toMatch(/^2 converted · 3 failed/);
      for (const name of ["caf\\xe8.pdf", "caf\\xe9.pdf", "d\\xff/deep.pdf"])
        expect(stderr).toContain(
          `${join(here.papers, name)}: UNREADABLE: it cannot be opened: it is gone, or its name is not valid UTF-8 (then rename it)`,
        );
      expect(code).toBe(3);
      expect(here.markdowns()).toEqual(["caf\ufffd.md", "good.md"]);
    },
  );

  it("shortens a name that leaves no room for an ending", async () => {
    const stem = "ü".repeat(125);
    here.addPaper(`${stem}a.pdf`, "The first.");
    here.addPaper(`${stem}b.pdf`, "The second.");
    expect((await here.documents("papers", "--out", "out", "--chunks")).code).toBe(0);
    const names = here.markdowns();
    expect(names).toHaveLength(2);
    expect(names).toContain(`${"ü".repeat(100)}.md`);
    const texts = names.map((name) => readFileSync(join(here.out, name), "utf8"));
    expect(texts.sort()).toEqual(["The first.\n", "The second.\n"]);
  });

  it("gives every failure a code and a sentence, and goes on", async () => {
    here.addPaper("good.pdf");
    writeFileSync(join(here.papers, "empty.pdf"), "");
    writeFileSync(join(here.papers, "text.pdf"), "just text");
    writeFileSync(join(here.papers, "bomb.pdf"), makeBomb(6e9));
    symlinkSync("nowhere.pdf", join(here.papers, "dangling.pdf"));
    const { code, stdout } = await here.documents(
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
    const report = JSON.parse(readFileSync(join(here.folder, "report.json"), "utf8")) as {
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
      chmodSync(here.addPaper("secret.pdf"), 0o000);
      const { code, stderr } = await here.documents("papers", "--out", "out");
      expect(code).toBe(2);
      expect(stderr).toMatch(/UNREADABLE: it cannot be read: permission is denied/);
    },
  );

  it("ends a document at its deadline", async () => {
    writeFileSync(join(here.papers, "slow.pdf"), makeBomb(12e9));
    const { code, stderr } = await here.documents(
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
    here.addPaper("one.pdf");
    const { code, stderr } = await here.documents(...args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(3);
    expect(code).toBe(1);
    expect(existsSync(here.out)).toBe(false);
  });

  it("an output folder that is a file", async () => {
    here.addPaper("one.pdf");
    writeFileSync(here.out, "precious");
    const { code, stderr } = await here.documents("papers", "--out", "out");
    expect(code).toBe(1);
    expect(stderr).toMatch(/out cannot be used: it is a file/);
    expect(readFileSync(here.out, "utf8")).toBe("precious");
  });

  it("no PDFs: exit 2", async () => {
    const { code, stderr } = await here.documents("papers", "--out", "out");
    expect(code).toBe(2);
    expect(stderr).toMatch(/no PDFs in papers/);
  });

  it("a manifest that is damaged", async () => {
    here.addPaper("one.pdf");
    mkdirSync(join(here.out, ".cofferdam"), { recursive: true });
    writeFileSync(
      join(here.out, ".cofferdam", "manifest.db"),
      "this is no database, but long enough to be one".repeat(50),
    );
    const { code, stderr } = await here.documents("papers", "--out", "out");
    expect(code).toBe(1);
    expect(stderr).toMatch(/manifest .* cannot be used .*move it away/);
  });
});
