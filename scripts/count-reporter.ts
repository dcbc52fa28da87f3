import { writeFileSync } from "node:fs";
import type { Reporter } from "vitest/node";

/**
 * Writes `N passed, N failed, N skipped` to the file named by `COFFERDAM_TEST_COUNTS`, where it is
 * set (`.ci/run` does). A file that does not load and an error outside tests count as failed.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd: NonNullable<Reporter["onTestRunEnd"]> = (modules, errors) => {
    const file = process.env["COFFERDAM_TEST_COUNTS"];
    if (file === undefined) return;
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        // A test that never came to its end has not passed.
        counts[state === "pending" ? "failed" : state]++;
      }
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
    }
    const { passed, failed, skipped } = counts;
    writeFileSync(file, `${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  };
}
