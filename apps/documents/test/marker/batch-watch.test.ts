/** When a `marker` for many documents is given up: real folders, as it makes them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { BatchWatch, type Stall } from "../../src/marker/batch-watch.ts";

const hour = 3_600_000;
let output: string;

beforeEach(() => {
  output = mkdtempSync(join(tmpdir(), "watch-"));
});
afterEach(() => rmSync(output, { recursive: true }));

function takeUp(stem: string): void {
  mkdirSync(join(output, stem));
}

function finish(stem: string): void {
  writeFileSync(join(output, stem, `${stem}.md`), "Text.");
  writeFileSync(join(output, stem, `${stem}_meta.json`), "{}");
}

/** Watches until there is a reason to give up. */
async function stallOf(
  stems: readonly string[],
  options: { readonly timeoutMs: number; readonly lost?: number },
  prepare: (watch: BatchWatch) => void,
): Promise<{ readonly stall: Stall; readonly finished: readonly string[] }> {
  const stalled = Promise.withResolvers<Stall>();
  const finished: string[] = [];
  const watch = new BatchWatch({
    output,
    stems,
    timeoutMs: options.timeoutMs,
    countLost: () => options.lost ?? 0,
    onStarted: () => undefined,
    onFinished: (stem) => Promise.resolve(void finished.push(stem)),
    onStall: stalled.resolve,
  });
  prepare(watch);
  const ended = new AbortController();
  const watching = watch.run(ended.signal);
  const stall = await stalled.promise;
  ended.abort();
  await watching;
  return { stall, finished };
}

it("names the document that is at work for too long", async () => {
  const { stall, finished } = await stallOf(["a", "b", "c"], { timeoutMs: 300 }, () => {
    takeUp("a");
    takeUp("b");
    finish("a");
  });
  expect(stall).toEqual({ kind: "document", overdue: ["b"] });
  expect(finished).toEqual(["a"]);
});

it("sees that nothing gets done", async () => {
  const { stall } = await stallOf(["a", "b"], { timeoutMs: 300 }, () => undefined);
  expect(stall).toEqual({ kind: "inactivity", overdue: [] });
});

it("holds no document to its deadline that Marker has given up", async () => {
  const { stall } = await stallOf(["a", "b"], { timeoutMs: 300 }, (watch) => {
    takeUp("a");
    watch.giveUp("a");
  });
  expect(stall).toEqual({ kind: "inactivity", overdue: [] });
});

it("does not wait for what a dead worker was at work on, once all else is done", async () => {
  const { stall, finished } = await stallOf(
    ["a", "b", "c"],
    { timeoutMs: hour, lost: 1 },
    (watch) => {
      for (const stem of ["a", "b", "c"]) takeUp(stem);
      finish("a");
      watch.giveUp("c");
    },
  );
  expect(stall).toEqual({ kind: "death", overdue: [] });
  expect(finished).toEqual(["a"]);
});

it("nor for its end, when a worker died with its document whole", async () => {
  const { stall } = await stallOf(["a"], { timeoutMs: hour, lost: 1 }, () => {
    takeUp("a");
    finish("a");
  });
  expect(stall.kind).toBe("death");
});

it("waits where more are at work than workers have died", async () => {
  const { stall } = await stallOf(["a", "b"], { timeoutMs: 300, lost: 1 }, () => {
    takeUp("a");
    takeUp("b");
  });
  expect(stall).toEqual({ kind: "document", overdue: ["a", "b"] });
});
