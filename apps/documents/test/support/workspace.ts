/** A folder for one test's papers and what becomes of them. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { runCli, type Finished } from "../../../../test/support/program.ts";
import { makePdf } from "./pdf.ts";

export class Workspace {
  folder = "";

  get papers(): string {
    return join(this.folder, "papers");
  }

  get out(): string {
    return join(this.folder, "out");
  }

  addPaper(name: string, text = `This is the text of ${name}.`): string {
    const path = join(this.papers, name);
    writeFileSync(path, makePdf([text]));
    return path;
  }

  /** `cofferdam documents` in this folder. */
  documents(...args: string[]): Promise<Finished> {
    return runCli(["documents", ...args], { cwd: this.folder });
  }

  markdowns(): string[] {
    return readdirSync(this.out)
      .filter((name) => name.endsWith(".md"))
      .sort();
  }
}

/** A new one before each test of the file, removed after it. */
export function useWorkspace(): Workspace {
  const workspace = new Workspace();
  beforeEach(() => {
    workspace.folder = mkdtempSync(join(tmpdir(), "documents-"));
    mkdirSync(workspace.papers);
  });
  afterEach(() => rmSync(workspace.folder, { recursive: true }));
  return workspace;
}
