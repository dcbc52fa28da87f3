import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasPython } from "../../apps/documents/test/support/marker.ts";
import { compareBatch } from "./batch.ts";
import { endure } from "./endurance.ts";
import { killBatches } from "./kills.ts";
import { BATCH_VICTIMS } from "./victims.ts";

const python = hasPython();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe.skipIf(!python)(
  python ? "documents" : "documents (skipped, because there is no python3 with venv)",
  () => {
    it("leave nothing at any of the six points", async () => {
      const { converted, worst, left } = await endure(folder, 52);
      expect(converted).toBe(51);
      expect(Object.keys(worst).sort()).toEqual([
        "after-document",
        "after-error",
        "before-document",
        "before-engine",
        "between-batches",
        "between-documents",
      ]);
      // Not /dev/shm, where other tests have theirs meanwhile: what is left there the census finds.
      for (const { markers } of Object.values(worst)) expect(markers).toBe(0);
      expect(left).toBe(0);
    });

    it("in a batch are lost only where they are poisoned", async () => {
      const options = { documents: 8, workers: 2, loadSeconds: 0.3, convertSeconds: 0.02 };
      const { poisoned, left } = await compareBatch(folder, options);
      expect(poisoned.failed).toEqual(["CRASH paper-0007.pdf"]);
      expect(left).toBe(0);
    });

    it("in a batch survive the death of any process, once each", async () => {
      const { kills } = await killBatches(folder, { kills: BATCH_VICTIMS.length, seed: 3 });
      expect(kills.map(({ victim }) => victim)).toEqual(BATCH_VICTIMS);
      expect(kills.flatMap(({ violations }) => violations)).toEqual([]);
    }, 300_000);
  },
);
