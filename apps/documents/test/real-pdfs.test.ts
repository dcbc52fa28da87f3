/** `cofferdam documents` over real PDFs, sound, odd and damaged. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failureCodes } from "../src/index.ts";
import { findSharedPdfs } from "./support/shared.ts";
import { useWorkspace } from "./support/workspace.ts";

const here = useWorkspace();

const shared = findSharedPdfs();

describe.skipIf(shared === null)(
  shared === null
    ? "real PDFs (skipped, because they are not here)"
    : "real PDFs, sound, odd and damaged",
  () => {
    it("every one is converted or fails with a code of the closed list", async () => {
      const { code, stdout } = await here.documents(
        shared ?? "",
        "--out",
        "out",
        "--report",
        "report.json",
      );
      expect(code).toBe(3);
      expect(stdout).toMatch(/0 (left|seen)/);
      const report = JSON.parse(readFileSync(join(here.folder, "report.json"), "utf8")) as {
        failures: { code: string; message: string }[];
        counts: { total: number; done: number; failed: number };
      };
      expect(report.counts.done + report.counts.failed).toBe(report.counts.total);
      expect(report.counts.done).toBe(here.markdowns().length);
      for (const failure of report.failures) {
        expect(failureCodes).toContain(failure.code);
        expect(failure.code).not.toBe("ENGINE");
        expect(failure.message).toMatch(/^\S.{20,}/);
      }
    });
  },
);
