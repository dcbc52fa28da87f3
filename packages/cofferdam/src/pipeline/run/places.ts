import { readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import type { PlannedStage } from "../plan/index.ts";
import type { PipelineState } from "../state/pipeline-state.ts";

/** Where unfinished outputs lie, by the folder that they will go to. */
export class Places {
  readonly #state: PipelineState;
  readonly #known = new Map<string, string>();

  constructor(state: PipelineState) {
    this.#state = state;
  }

  /** For the outputs of a stage: where they can be renamed to their names. */
  of({ outputFolder }: PlannedStage): string {
    const folder = outputFolder ?? ".";
    let path = this.#known.get(folder);
    if (path === undefined) {
      path = this.#state.unfinished(folder);
      this.#known.set(folder, path);
    }
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
