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
    const sizes = [16_383, 16_384, 1_000_000, 3_000_000, 8_388_608, 8_388_609, 70_000];
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
  const texts = Promise.all(Array.from({ length: 64 }, () => pool.run("textOf", 15_000)));
  await new Promise((resolve) => setImmediate(resolve));
  // Meanwhile the worker fills its socket.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  expect((await texts).every((text) => text.length === 15_000)).toBe(true);
});

/** Long, and longer than the bulk file; what UTF-8 cannot say; JSON's own marks. */
const texts = [
  "a".repeat(16 * 1024),
  `${"é€😀".repeat(10_000)}"\\\u0000`,
  `\ud800${"x".repeat(20_000)}`,
  "\udc00".repeat(20_000),
  "b".repeat(9_000_000),
];

it.each([
  ["Node", work],
  [
    "Python",
    { python: new URL("../../../cofferdam-python/test/fixtures/values.py", import.meta.url) },
  ],
])("carries long texts to %s and back, alone and inside of others", async (_, source) => {
  await using scope = await openScope();
  await using pool = scope.pool<Pick<typeof Work, "echo">>(source, { workers: 1 });
  for (const text of texts) {
    const value = { text, list: ["short", text, 2n ** 64n, { text }] };
    expect((await pool.run("echo", text)) === text).toBe(true);
    const back = (await pool.run("echo", value)) as typeof value;
    expect(back.list[2]).toBe(2n ** 64n);
    const plain = (await pool.run("echo", [text, { text }])) as [string, { text: string }];
    const all = [
      back.text,
      back.list[1],
      (back.list[3] as { text: string }).text,
      plain[0],
      plain[1].text,
    ];
    expect(all.every((one) => one === text)).toBe(true);
  }
});
