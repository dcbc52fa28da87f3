import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { expect, it } from "vitest";
import { openScope } from "cofferdam";
import type * as Work from "../fixtures/work.ts";

const work = new URL("../fixtures/work.ts", import.meta.url);

function sha(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function bulkFilesOpen(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes("cofferdam-bulk");
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

it("carries large binary values both ways, whole and in order, and closes what carried them", async () => {
  const before = bulkFilesOpen();
  {
    await using scope = await openScope();
    await using pool = scope.pool<typeof Work>(work, { workers: 2 });
    // Around the smallest that goes by the bulk file, the size of its ring, and beyond it.
    const sizes = [65_535, 65_536, 1_000_000, 3_000_000, 8_388_608, 8_388_609, 70_000];
    const values = [...sizes, ...sizes, ...sizes].map((size) => new Uint8Array(randomBytes(size)));
    const results = await Promise.all(values.map((value) => pool.run("echo", value)));
    expect(results.map((result) => sha(result as Uint8Array))).toEqual(values.map(sha));
    const mixed = { small: Uint8Array.of(1, 2), large: values[2], wide: new Float64Array(20_000) };
    expect(await pool.run("echo", mixed)).toEqual(mixed);
  }
  expect(bulkFilesOpen()).toBe(before);
});

it("goes on when the pool reads slower than its worker writes", async () => {
  await using scope = await openScope();
  await using pool = scope.pool<typeof Work>(work, { workers: 1 });
  await Promise.all(Array.from({ length: 50 }, () => pool.run("textOf", 1)));
  const texts = Promise.all(Array.from({ length: 64 }, () => pool.run("textOf", 40_000)));
  await new Promise((resolve) => setImmediate(resolve));
  // Meanwhile the worker fills its socket.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  expect((await texts).every((text) => text.length === 40_000)).toBe(true);
});
