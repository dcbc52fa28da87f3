/** A failure that is the document's own is known in later runs; any other is tried again. */
import { copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { makeBomb, makePdf } from "./support/pdf.ts";
import { useWorkspace } from "./support/workspace.ts";

const here = useWorkspace();

interface Failure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
  readonly since?: string;
}

/** Runs the command, and gives which documents it tried beside what became of all. */
async function run(...flags: string[]): Promise<{
  readonly code: number | null;
  readonly stdout: string;
  readonly tried: string[];
  readonly failures: readonly Failure[];
}> {
  const { code, stdout, stderr } = await here.documents(
    ...["papers", "--out", "out", "--progress", "json", "--report", "report.json", ...flags],
  );
  const events = stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { type: string; item?: string });
  const tried = events
    .filter(({ type }) => type === "item-started")
    .map(({ item = "" }) => item.slice(here.papers.length + 1));
  const report = JSON.parse(readFileSync(join(here.folder, "report.json"), "utf8")) as {
    failures: Failure[];
  };
  return { code, stdout, tried: [...new Set(tried)].sort(), failures: report.failures };
}

function addBad(): void {
  writeFileSync(join(here.papers, "blank.pdf"), makePdf([""]));
  writeFileSync(join(here.papers, "empty.pdf"), "");
  writeFileSync(join(here.papers, "page.pdf"), "<!doctype html><title>Sign in</title>");
}

describe("what is known to fail", () => {
  it("is reported again as it was, and not tried again", async () => {
    here.addPaper("good.pdf");
    addBad();
    const first = await run();
    expect(first.code).toBe(3);
    expect(first.tried).toEqual(["blank.pdf", "empty.pdf", "good.pdf", "page.pdf"]);
    expect(first.failures.map(({ since }) => since)).toEqual([undefined, undefined, undefined]);

    const second = await run();
    expect(second.code).toBe(3);
    expect(second.stdout).toMatch(/^1 unchanged · 3 failed \(known; --retry-failed tries again\)/);
    expect(second.tried).toEqual([]);
    const plain = ({ path, code, message }: Failure): object => ({ path, code, message });
    const byPath = (a: Failure, b: Failure): number => (a.path < b.path ? -1 : 1);
    expect(second.failures.toSorted(byPath).map(plain)).toEqual(
      first.failures.toSorted(byPath).map(plain),
    );
    for (const { since = "" } of second.failures)
      expect(Date.parse(since)).toBeLessThanOrEqual(Date.now());
    const third = await here.documents("papers", "--out", "out", "--progress", "plain");
    expect(third.stderr).toMatch(
      /empty\.pdf: PDF_EMPTY: .* \(unchanged since \d{4}-\d\d-\d\d \d\d:\d\d\)/,
    );
  });

  it("ends the command as before where nothing else is there", async () => {
    addBad();
    expect((await run()).code).toBe(2);
    expect((await run()).code).toBe(2);
  });

  it.each(["--retry-failed", "--force"])("is tried again with %s", async (flag) => {
    addBad();
    await run();
    const again = await run(flag);
    expect(again.tried).toEqual(["blank.pdf", "empty.pdf", "page.pdf"]);
    expect(again.stdout).toMatch(/ 3 failed · /);
    expect(again.failures.map(({ since }) => since)).toEqual([undefined, undefined, undefined]);
  });

  it("is tried again when its content or an option changes, not when it is only touched", async () => {
    addBad();
    await run();
    utimesSync(join(here.papers, "empty.pdf"), 1, 1);
    here.addPaper("page.pdf");
    const second = await run();
    expect(second.tried).toEqual(["page.pdf"]);
    expect(second.stdout).toMatch(/^1 converted · 2 failed \(known/);
    expect((await run("--page-markers")).tried).toEqual(["blank.pdf", "empty.pdf", "page.pdf"]);
  });

  it("is told apart from what fails for the first time", async () => {
    addBad();
    await run();
    copyFileSync(join(here.papers, "page.pdf"), join(here.papers, "copy.pdf"));
    const { stdout, failures } = await run();
    expect(stdout).toMatch(/ 4 failed \(3 known; --retry-failed tries again\)/);
    expect(failures.filter(({ since }) => since === undefined)).toMatchObject([
      { path: join(here.papers, "copy.pdf"), code: "PDF_NOT_A_PDF" },
    ]);
  });
});

it("a failure by circumstance is tried again in each run", async () => {
  writeFileSync(join(here.papers, "bomb.pdf"), makeBomb(6e9));
  for (let count = 0; count < 2; count++) {
    const { tried, failures } = await run("--memory", "500MB");
    expect(failures).toMatchObject([{ code: "MEMORY" }]);
    expect(tried).toEqual(["bomb.pdf"]);
  }
});

it("a manifest from before failures were known is used as it is", async () => {
  here.addPaper("good.pdf");
  addBad();
  mkdirSync(join(here.out, ".cofferdam"), { recursive: true });
  const database = new DatabaseSync(join(here.out, ".cofferdam", "manifest.db"));
  database.exec(`
    CREATE TABLE items (
      key TEXT PRIMARY KEY, output TEXT NOT NULL, size INTEGER, modified TEXT, inode TEXT,
      input_hash TEXT, recipe TEXT, written INTEGER NOT NULL DEFAULT 0,
      outcome TEXT NOT NULL DEFAULT 'planned', error_code TEXT, error_message TEXT
    ) STRICT;
    CREATE UNIQUE INDEX items_output ON items (output COLLATE NOCASE);
    PRAGMA user_version = 1;
  `);
  database
    .prepare("INSERT INTO items (key, output, outcome, error_code) VALUES (?, ?, 'failed', ?)")
    .run(join(here.papers, "empty.pdf"), "of-old.md", "PDF_EMPTY");
  database.close();
  expect((await run()).tried).toEqual(["blank.pdf", "empty.pdf", "good.pdf", "page.pdf"]);
  expect((await run()).tried).toEqual([]);
});
