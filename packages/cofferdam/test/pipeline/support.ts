import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cli, Program, runCli, type Finished } from "../../../../test/support/program.ts";

/** A folder with a pipeline in it, and the command line in that folder. */
export class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "pipeline-"));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true });
  }

  /** Lines that jobs have appended to a file. */
  marks(name = "marks"): string[] {
    return this.has(name) ? this.read(name).split("\n").filter(Boolean).sort() : [];
  }

  cofferdam(...args: string[]): Promise<Finished> {
    return runCli(args, { cwd: this.folder });
  }

  run(...args: string[]): Promise<Finished> {
    return this.cofferdam("run", ...args);
  }

  /** What the last line of a run says that it came to. */
  async sums(...args: string[]): Promise<Sums> {
    const { stderr } = await this.run(...args);
    const said = [...stderr.matchAll(/^(?=.*\d+ done · ).*$/gm)].at(-1)?.[0] ?? "";
    const count = (what: string): number =>
      Number(new RegExp(`(\\d+) ${what}`).exec(said)?.[1] ?? (said === "" ? NaN : 0));
    return { done: count("done"), skipped: count("skipped"), failed: count("failed") };
  }

  start(...args: string[]): Program {
    return new Program([cli, ...args], { cwd: this.folder });
  }

  async status(): Promise<Record<string, Record<string, number>>> {
    const { stdout } = await this.cofferdam("status", "--json");
    const { stages } = JSON.parse(stdout) as { stages: ({ stage: string } & Counts)[] };
    return Object.fromEntries(stages.map(({ stage, ...counts }) => [stage, counts]));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Sums {
  readonly done: number;
  readonly skipped: number;
  readonly failed: number;
}

type Counts = Record<"discovered" | "done" | "failed" | "quarantined" | "pending", number>;
