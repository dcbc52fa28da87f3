import { readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import type { PipelineState } from "../state/pipeline-state.ts";

/** Where unfinished outputs lie, by the folder that they will go to. */
export class Places {
  readonly #state: PipelineState;
  readonly #known = new Map<string, string>();

  constructor(state: PipelineState) {
    this.#state = state;
  }

  /** For an output: on its own file system. By the first folder of its path. */
  of(output: string): string {
    const slash = output.indexOf("/");
    return this.#at(slash < 0 ? "." : output.slice(0, slash));
  }

  /** For what is replaced, and for stages without an output. */
  old(): string {
    return this.#at(".");
  }

  #at(base: string): string {
    const known = this.#known.get(base);
    if (known !== undefined) return known;
    const path = this.#state.unfinished(base);
    this.#known.set(base, path);
    return path;
  }

  /** The files below an unfinished output folder, sorted. */
  list(folder: string): string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
  }

  clear(folder: string): void {
    rmSync(folder, { recursive: true, force: true });
  }
}
