import { describe, expect, it } from "vitest";
import type { CofferdamEvent } from "../../src/events/index.ts";
import { createRenderer } from "../../src/events/index.ts";
import { begun, done, failed, finished, NASTY_NAMES, notice } from "./support/events.ts";
import { FakeStream } from "./support/fake-stream.ts";

function open(stream: FakeStream) {
  return createRenderer({ mode: "json", stream, env: {}, now: () => 9 });
}

describe("the json renderer", () => {
  it("writes each event on a line, the fields always in the same order", () => {
    const stream = new FakeStream();
    const { listener } = open(stream);
    const error = { message: "slow", code: "TIMEOUT" };
    listener({
      error,
      durationMs: 5,
      item: "a",
      outcome: "failed",
      at: 1,
      type: "item-finished",
    });
    listener({ command: ["a", "b c"], pid: 3, task: 2, at: 1, type: "task-started" });
    listener(finished(4));
    expect(stream.lines).toEqual([
      '{"type":"item-finished","at":1,"item":"a","outcome":"failed","durationMs":5,' +
        '"error":{"code":"TIMEOUT","message":"slow"}}',
      '{"type":"task-started","at":1,"task":2,"pid":3,"command":["a","b c"]}',
      '{"type":"run-finished","at":4,"durationMs":5,"interrupted":false,"counts":' +
        '{"total":3,"done":2,"skipped":0,"failed":1,"quarantined":0,"pending":0}}',
    ]);
  });

  it("loses no field of any event", () => {
    const events: CofferdamEvent[] = [
      { type: "run-started", at: 1, title: "t", workers: 2 },
      { type: "items-discovered", at: 1, total: 2, final: true },
      begun("a"),
      { ...done("a"), output: "a.md" },
      { ...failed("a"), reason: "r" },
      { type: "task-started", at: 1, task: 1, pid: 2, command: ["c"] },
      { type: "task-ended", at: 1, task: 1, outcome: "ok", durationMs: 1, left: 0 },
      { type: "keeper-started", at: 1, pid: 2, tree: "group" },
      { type: "keeper-lost", at: 1, pid: 2 },
      { type: "memory-sampled", at: 1, bytes: 5 },
      notice("n"),
      finished(),
    ];
    const stream = new FakeStream();
    const { listener } = open(stream);
    for (const event of events) listener(event);
    expect(stream.lines.map((line) => JSON.parse(line) as unknown)).toEqual(events);
  });

  it("is valid, on one line and harmless to a terminal whatever the names hold", () => {
    const stream = new FakeStream();
    const { listener } = open(stream);
    for (const name of NASTY_NAMES) listener(begun(name));
    expect(stream.text.split(/[\n\r\u0085\u2028\u2029]/).slice(0, -1)).toHaveLength(
      NASTY_NAMES.length,
    );
    // eslint-disable-next-line no-control-regex
    expect(stream.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    const items = stream.lines.map((line) => (JSON.parse(line) as { item: string }).item);
    expect(items).toEqual(NASTY_NAMES);
  });

  it("drops events for a reader that is far behind, says so, and never run-finished", async () => {
    const stream = new FakeStream();
    const { listener } = open(stream);
    stream.stall();
    const name = "x".repeat(10_000);
    const total = 2000;
    for (let n = 0; n < total; n += 1) listener(begun(name));
    expect(stream.writableLength).toBeLessThan(5 * 1024 * 1024);
    listener(finished());
    await stream.resume();
    const events = stream.lines.map((line) => JSON.parse(line) as CofferdamEvent);
    const kept = events.filter((event) => event.type === "item-started").length;
    expect(kept).toBeGreaterThan(400);
    expect(events.slice(-2)).toEqual([
      {
        type: "notice",
        at: 9,
        level: "warning",
        message: `${total - kept} events dropped: slow reader`,
      },
      finished(),
    ]);
  });
});
