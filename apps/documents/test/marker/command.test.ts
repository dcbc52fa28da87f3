/** `cofferdam documents --engine marker` as people use it. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Program, cli, runCli } from "../../../../test/support/program.ts";
import { hasPython, installMarker, useMarker, type InstalledMarker } from "../support/marker.ts";
import { makePdf } from "../support/pdf.ts";
import { useWorkspace } from "../support/workspace.ts";

const here = useWorkspace();
const python = hasPython();
const why = "skipped, because there is no python3 with venv";
const title = python ? "the engine marker" : `the engine marker (${why})`;

function engine({ bin }: InstalledMarker, ...flags: string[]): string[] {
  return ["papers", "--out", "out", "--engine", "marker", "--marker", bin, ...flags];
}

function markdown(name: string): string {
  return readFileSync(join(here.out, `${name}.md`), "utf8");
}

describe.skipIf(!python)(title, () => {
  describe.each(["1.10.2", "2.0.0"])("%s", (version) => {
    const marker = useMarker({ version });

    it.each([[[]], [["--batch", "10", "--workers", "2"]]])(
      "converts, marks pages, chunks and skips (%j)",
      async (flags) => {
        writeFileSync(join(here.papers, "a.pdf"), makePdf(["The first page.", "The second."]));
        here.addPaper("b #1 (ü).pdf");
        const args = engine(marker, ...flags, "--page-markers", "--chunks");
        const first = await here.documents(...args, "--progress", "plain");
        expect(first.stdout, first.stderr).toMatch(/^2 converted · 0 failed/);
        expect(first.stderr).toMatch(/Starting (isolated|batch) Marker processing for: /);
        expect(first.stderr).toMatch(/Marker processing completed for: /);
        expect(markdown("a")).toBe(
          "<!-- page 1 -->\n\nThe first page.\n\n<!-- page 2 -->\n\nThe second.\n",
        );
        expect(markdown("b #1 (ü)")).toContain("This is the text of b #1");
        const chunks = JSON.parse(readFileSync(join(here.out, "a.chunks.json"), "utf8")) as object;
        expect(chunks).toMatchObject({
          original_filename: "a.pdf",
          page_count: 2,
          chunks: [{ page_number: 1, source_info: { end_page_number: 2 } }],
        });
        expect((await here.documents(...args)).stdout).toMatch(/^2 unchanged · 0 failed/);
        rmSync(join(here.out, "a.chunks.json"));
        expect((await here.documents(...args)).stdout).toMatch(/^1 converted · 1 unchanged/);
      },
    );

    it("takes a page range, counted from 1", async () => {
      writeFileSync(join(here.papers, "a.pdf"), makePdf(["One.", "Two.", "Three."]));
      here.addPaper("short.pdf");
      const { stdout, stderr } = await here.documents(
        ...engine(marker, "--page-range", "2-3", "--page-markers"),
      );
      expect(stdout).toMatch(/^1 converted · 1 failed/);
      expect(markdown("a")).toBe("<!-- page 2 -->\n\nTwo.\n\n<!-- page 3 -->\n\nThree.\n");
      expect(stderr).toMatch(/PAGE_RANGE: The document has 1 page, and the page range asks for/);
    });
  });

  it("tells a document's whole name on one line, whatever is in it", async () => {
    const marker = installMarker(join(here.folder, "m"));
    here.addPaper("two\nlines.pdf");
    here.addPaper("\u001b[31mred.pdf");
    const { code, stderr } = await here.documents(...engine(marker), "--progress", "plain");
    expect(code, stderr).toBe(0);
    for (const name of ["two\\nlines.pdf", "\\x1b[31mred.pdf"]) {
      expect(stderr).toContain(`Starting isolated Marker processing for: ${name}\n`);
      expect(stderr).toContain(`Marker processing completed for: ${name} (`);
    }
  });

  it("loads the models in Marker's processes alone, and in a batch once for each worker", async () => {
    const marker = installMarker(join(here.folder, "m"));
    for (let index = 0; index < 24; index++) here.addPaper(`paper-${index}.pdf`);
    const program = new Program(
      [cli, "documents", ...engine(marker, "--batch", "24", "--workers", "2")],
      { cwd: here.folder },
    );
    expect((await program.finished).code).toBe(0);
    // By default Marker 1 would have loaded them anew for every ten documents of a worker.
    expect(marker.loads().length).toBeLessThanOrEqual(2);
    for (const { program: path } of marker.loads()) expect(path).toBe(join(marker.bin, "marker"));
  });

  it("is interrupted, and goes on later", async () => {
    const marker = installMarker(join(here.folder, "m"));
    here.addPaper("a.pdf");
    here.addPaper("b.pdf", "stand-in: hang");
    const args = engine(marker, "--batch", "2", "--workers", "2", "--progress", "json");
    const program = new Program([cli, "documents", ...args], { cwd: here.folder });
    await program.said(/"item-finished".*a\.pdf/);
    process.kill(program.pid, "SIGINT");
    const { code, stdout } = await program.finished;
    expect(stdout).toMatch(/^1 converted · 0 failed · 1 not done/);
    expect(code).toBe(130);
  });

  it("converts what several files have the content of once", async () => {
    const marker = installMarker(join(here.folder, "m"));
    const original = here.addPaper("a.pdf");
    copyFileSync(original, join(here.papers, "b.pdf"));
    for (const name of ["c", "e", "f", "g"])
      copyFileSync(original, join(here.papers, `${name}.pdf`));
    here.addPaper("other.pdf");
    // More copies than a batch has room for: they must not hold it up.
    const args = engine(marker, "--chunks", "--batch", "4");
    expect((await here.documents(...args)).stdout).toMatch(/^2 converted · 5 copies · 0 failed/);
    expect(marker.loads()).toHaveLength(1);
    expect(markdown("b")).toBe(markdown("a"));
    copyFileSync(original, join(here.papers, "d.pdf"));
    expect((await here.documents(...args)).stdout).toMatch(/^1 copy · 7 unchanged · 0 failed/);
    expect(marker.loads()).toHaveLength(1);
  });
});

describe.skipIf(!python)(python ? "what cannot be converted" : `(${why})`, () => {
  const marker = useMarker();

  it("is told before Marker is started for it", async () => {
    writeFileSync(join(here.papers, "empty.pdf"), "");
    writeFileSync(join(here.papers, "page.pdf"), "<!doctype html><title>Sign in</title>");
    const { code, stderr } = await here.documents(...engine(marker));
    expect(code).toBe(2);
    expect(stderr).toMatch(/empty\.pdf: PDF_EMPTY/);
    expect(stderr).toMatch(/page\.pdf: PDF_NOT_A_PDF/);
    expect(marker.loads()).toEqual([]);
  });

  it("for want of room on the disk is told, and nothing half is left", (test) => {
    const full = join(here.folder, "full");
    mkdirSync(full);
    const script = `mount -t tmpfs -o size=256k tmpfs "$1" && shift && exec "$@"`;
    try {
      execFileSync("unshare", ["-rm", "sh", "-c", script, "sh", full, "true"], { stdio: "ignore" });
    } catch {
      test.skip(true, "skipped, because a file system cannot be mounted here");
    }
    for (const name of ["a", "b"])
      writeFileSync(join(here.papers, `${name}.pdf`), makePdf([`${name}. `.repeat(80_000)]));
    const args = ["papers", "--out", "full", "--engine", "marker", "--marker", marker.bin];
    const command = [process.execPath, "--conditions=cofferdam-source", cli, "documents", ...args];
    const listing = `"$@"; echo "exit $?"; find "${full}" -name '*.md'`;
    const stdout = execFileSync(
      "unshare",
      ["-rm", "sh", "-c", script, "sh", full, "sh", "-c", listing, "sh", ...command],
      { cwd: here.folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
    expect(stdout).toMatch(/^0 converted · 2 failed/);
    expect(stdout).toMatch(/exit 2\n$/);
  });
});

describe.skipIf(!python)(python ? "an installation" : `an installation (${why})`, () => {
  async function refused(bin: string, message: RegExp): Promise<void> {
    here.addPaper("a.pdf");
    const args = ["papers", "--out", "out", "--engine", "marker", "--marker", bin];
    const { code, stderr } = await here.documents(...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  }

  it("that is not there: how to install it", () =>
    refused("nowhere", /Marker was not found: .* in nowhere\. Install it, .*pip install/));

  it.each([
    ["0.3.10", /Marker 0\.3\.10 is too old: 1\.6 is the oldest/],
    ["1.0.0", /Marker 1\.0\.0 is too old/],
    ["3.0.0", /Marker 3\.0\.0 is newer than this program knows/],
  ])("%s", async (version, message) => {
    await refused(installMarker(join(here.folder, "m"), { version }).bin, message);
  });

  it("that is something else", async () => {
    const bin = join(here.folder, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "marker_single"), "#!/bin/sh\necho a text editor\n");
    chmodSync(join(bin, "marker_single"), 0o755);
    await refused(bin, /is not a Marker that is known here/);
  });

  it("that does not say its version is known by its options", async () => {
    const { bin } = installMarker(join(here.folder, "m"), { version: "2.0.0" });
    const script = readFileSync(join(bin, "marker_single"), "utf8");
    writeFileSync(join(bin, "real_single"), script, { mode: 0o755 });
    writeFileSync(join(bin, "marker_single"), `#!/bin/sh\nexec "${bin}/real_single" "$@"\n`);
    here.addPaper("a.pdf");
    const args = ["papers", "--out", "out", "--engine", "marker", "--marker", bin];
    expect((await here.documents(...args)).code).toBe(0);
  });
});

describe("wrong input", () => {
  it.each([
    [["--engine", "magic"], /Allowed choices are embedded, marker/],
    [["--batch", "2"], /--batch is for Marker; add --engine marker/],
    [["--engine", "marker", "--batch", "0"], /"0" is not a whole number above 0/],
    [["--engine", "marker", "--device", "gpu"], /"gpu" is not a device: give auto, cpu, or cuda:N/],
    [["--page-range", "0-2"], /"0-2" is not a page range: give pages from 1 upward/],
  ])("%j", async (flags, message) => {
    here.addPaper("a.pdf");
    const { code, stderr } = await here.documents("papers", "--out", "out", ...flags);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });

  it("a page range with the embedded engine, within and beyond the document", async () => {
    writeFileSync(join(here.papers, "a.pdf"), makePdf(["One.", "Two.", "Three."]));
    const args = ["papers", "--out", "out", "--page-markers", "--page-range"];
    expect((await here.documents(...args, "1,3")).code).toBe(0);
    expect(markdown("a")).toBe("<!-- page 1 -->\n\nOne.\n\n<!-- page 3 -->\n\nThree.\n");
    const beyond = await here.documents(...args, "4");
    expect(beyond.stderr).toMatch(/PAGE_RANGE: The document has 3 pages/);
    expect(beyond.code).toBe(2);
  });
});

describe.skipIf(!python)(python ? "doctor" : `doctor (${why})`, () => {
  const marker = useMarker({ version: "2.0.0" });

  it("says which Marker there is, and whether it sees a GPU", async () => {
    const path = `${marker.bin}:${process.env["PATH"] ?? ""}`;
    const { stdout } = await runCli(["doctor", "--json"], { env: { PATH: path } });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; section: string }[] };
    expect(checks.find(({ name }) => name === "marker")).toMatchObject({
      section: "applications",
      state: "ok",
      values: { version: "2.0.0" },
    });
    expect(checks.find(({ name }) => name === "cuda")).toMatchObject({
      values: { devices: expect.any(Number) as number },
    });
  });
});
