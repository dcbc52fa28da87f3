import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFolder } from "../census/index.ts";
import { buildPrograms, type Programs } from "./programs.ts";

/** A hidden folder is a run that is being made. The product takes one this old for cut off. */
const CUT_OFF_AFTER_S = 60;

/** The folders of one storm: every runtime's `TMPDIR` is the same, so that each sweeps the last. */
export class StormPlace implements Disposable {
  readonly temporary: string;
  /** For Node's compile cache. */
  readonly cache: string;
  readonly programs: Programs;
  readonly #seen = new Set<string>();
  readonly #folder: string;
  #runtimes = 0;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "kills-"));
    this.temporary = join(this.#folder, "t");
    this.cache = join(this.#folder, "cache");
    mkdirSync(this.temporary);
    this.programs = buildPrograms(this.#folder);
  }

  /** Where the next runtime's tasks say that they are ready. */
  makeReady(): string {
    const path = join(this.#folder, `ready-${++this.#runtimes}`);
    mkdirSync(path);
    return path;
  }

  /** Folders of runs, dead or alive. */
  runs(): string[] {
    const runs = this.#entries().filter((name) => !name.startsWith("."));
    for (const run of runs) this.#seen.add(run);
    return runs;
  }

  /** Whether a path names a run that was ever seen here. */
  isOurs(path: string): boolean {
    return [...this.#seen].some((run) => path.includes(run));
  }

  /** Folders of runs that were killed in the instant of making them. */
  cutOff(): string[] {
    return this.#entries().filter((name) => name.startsWith("."));
  }

  /** Makes those as old as they will be in a minute, when a start may remove them. */
  ageCutOff(): void {
    for (const name of this.cutOff()) {
      const path = join(runFolder(this.temporary), name);
      const then = lstatSync(path).mtimeMs / 1_000 - CUT_OFF_AFTER_S - 1;
      utimesSync(path, then, then);
    }
  }

  /** What else lies in the `TMPDIR`, where the tasks' own files have no business. */
  strays(): string[] {
    const base = runFolder(this.temporary);
    return readdirSync(this.temporary)
      .map((name) => join(this.temporary, name))
      .filter((path) => path !== base);
  }

  [Symbol.dispose](): void {
    // A task's folder may be closed even to us; it is opened by the tasks' own maker, the runtime.
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #entries(): string[] {
    try {
      return readdirSync(runFolder(this.temporary));
    } catch {
      return []; // No run was ever made.
    }
  }
}
