import { afterEach, beforeEach, describe, expect } from "vitest";
import { openScope, type Scope } from "cofferdam";
import { languages, type Language } from "./languages.ts";

/** What a scenario has: a scope of its own, and the workers' host pids in the order they started. */
export interface Stage {
  readonly scope: Scope;
  readonly workers: readonly number[];
}

/** Declares the same scenarios for each language, each with a fresh scope that must end empty. */
export function forEachLanguage(declare: (language: Language, stage: () => Stage) => void): void {
  for (const language of languages) {
    const skipped = language.missing === null ? "" : ` (skipped, because ${language.missing})`;
    describe.skipIf(language.missing !== null)(`${language.name} workers${skipped}`, () => {
      let stage: Stage;
      beforeEach(async () => {
        const workers: number[] = [];
        const scope = await openScope({
          onEvent: (event) => {
            if (event.type === "task-started") workers.push(event.pid);
          },
        });
        stage = { scope, workers };
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
