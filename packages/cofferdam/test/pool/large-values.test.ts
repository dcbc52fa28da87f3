import { expect, it } from "vitest";
import { openScope } from "cofferdam";
import type * as Work from "../fixtures/work.ts";

const work = new URL("../fixtures/work.ts", import.meta.url);

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
