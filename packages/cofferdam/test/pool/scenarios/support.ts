import { afterEach, beforeEach, describe, expect } from "vitest";
import { openScope, type Scope } from "cofferdam";
import { languages, type Language } from "./languages.ts";

export interface Stage {
  /** Its own, with nothing else in it. */
  readonly scope: Scope;
  /** The workers' host pids in the order they started. */
  readonly workers: readonly number[];
  /** The numbers, as tasks of the scope, of those that are not known to be gone. */
  readonly alive: ReadonlySet<number>;
}

/** Declares the same scenarios for each language, each with a fresh scope that must end empty. */
export function forEachLanguage(declare: (language: Language, stage: () => Stage) => void): void {
  for (const language of languages) {
    const skipped = language.missing === null ? "" : ` (skipped, because ${language.missing})`;
    describe.skipIf(language.missing !== null)(`${language.name} workers${skipped}`, () => {
      let stage: Stage;
      beforeEach(async () => {
        const workers: number[] = [];
        const alive = new Set<number>();
        const scope = await openScope({
          onEvent: (event) => {
            if (event.type === "task-ended") alive.delete(event.task);
            if (event.type !== "task-started") return;
            workers.push(event.pid);
            alive.add(event.task);
          },
        });
        stage = { scope, workers, alive };
      });
      afterEach(async () => {
        const report = await stage.scope.close();
        expect(report.processes.left).toBe(0);
      });
      declare(language, () => stage);
    });
  }
}

/** Ends a worker as a stranger would. */
export function killWorker(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
