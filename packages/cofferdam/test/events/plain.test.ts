import { describe, expect, it } from "vitest";
import type { CofferdamEvent } from "../../src/events/index.ts";
import { createRenderer } from "../../src/events/index.ts";
import { begun, discovered, done, failed, finished } from "./support/events.ts";
import { NASTY_NAMES, notice, skipped, started } from "./support/events.ts";
import { FakeStream } from "./support/fake-stream.ts";

function render(events: Iterable<CofferdamEvent>, env = {}): string[] {
  const stream = new FakeStream();
  let now = 0;
  const renderer = createRenderer({ mode: "plain", stream, env, now: () => now });
  for (const event of events) {
    now = event.at;
    renderer.listener(event);
  }
  renderer.close();
  return stream.lines;
}

describe("the plain renderer", () => {
  it("gives each item of a small run a line", () => {
    const events = [
      started(),
      discovered(3),
      begun("a.pdf"),
      done("a.pdf"),
      skipped("b.pdf"),
      failed("c.pdf", "\u001b[31mexit code 1\u001b[0m\nTraceback"),
      finished(),
    ];
    expect(render(events)).toEqual([
      "done a.pdf (3.1 s)",
      "skipped b.pdf: unchanged",
      "failed c.pdf: EXIT: exit code 1 (3.1 s)",
    ]);
  });

  it("tells of notices, a lost keeper and stuck tasks, not of other machinery", () => {
    const events: CofferdamEvent[] = [
      notice("containment is only subreaper"),
      notice("resumed", "info"),
      { type: "keeper-started", at: 0, pid: 7, tree: "namespace" },
      { type: "task-started", at: 0, task: 1, pid: 8, command: ["marker"] },
      { type: "task-ended", at: 0, task: 1, outcome: "ok", durationMs: 1, left: 0 },
      { type: "task-ended", at: 0, task: 2, outcome: "stuck", durationMs: 1, left: 1 },
      { type: "memory-sampled", at: 0, bytes: 1 },
      { type: "keeper-lost", at: 0, pid: 7 },
    ];
    expect(render(events)).toEqual([
      "warning: containment is only subreaper",
      "note: resumed",
      "warning: task 2 is stuck: 1 process left",
      "warning: the keeper (pid 7) died; its tasks are lost",
    ]);
  });

  it("tells the progress of a large run now and then, and every failure", () => {
    function* run() {
      yield started();
      yield discovered(10_000);
      for (let n = 1; n <= 10_000; n += 1) {
        const at = n * 10;
        yield begun(`${n}.pdf`, at);
        yield n % 4000 === 0 ? failed(`${n}.pdf`, "exit code 1", at) : done(`${n}.pdf`, at);
      }
    }
    const lines = render(run());
    const failures = lines.filter((line) => line.startsWith("failed"));
    expect(failures).toHaveLength(2);
    // 100 s, 5 % each 5 s: twenty lines, the last at the very end.
    expect(lines.length - failures.length).toBe(20);
    expect(lines[0]).toBe("documents: 500/10,000 (5%), 100/s, 1 min 35 s left");
    expect(lines.at(-1)).toMatch(/^documents: 10,000\/10,000 \(100%\), \d+\/s, 2 failed$/);
  });

  it("does not tell more often than each few seconds", () => {
    function* run() {
      yield started();
      yield discovered(1000);
      for (let n = 1; n <= 1000; n += 1) yield done(`${n}.pdf`, n);
    }
    expect(render(run())).toEqual([expect.stringContaining("1,000/1,000 (100%)")]);
  });

  it("tells of slow and endless sources each half minute", () => {
    function* run() {
      yield started();
      for (let n = 1; n <= 100; n += 1) {
        yield discovered(n + 100, false, n * 1000);
        yield done(`${n}.pdf`, n * 1000);
      }
    }
    const lines = render(run());
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^documents: 30\/130\+, 1\/s$/);
  });

  it("does not fall silent when the clock is set back", () => {
    const many = discovered(1000);
    const at = 1e6;
    const lines = render([started("x", at), many, done("a", at), done("b", 5), done("c", 6)]);
    expect(lines).toHaveLength(1);
  });

  it("keeps each name on one line", () => {
    const lines = render([started(), discovered(30), ...NASTY_NAMES.map((name) => done(name))]);
    expect(lines).toHaveLength(NASTY_NAMES.length);
    // eslint-disable-next-line no-control-regex
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u0085\u2028]/);
  });

  it("colours only when told to", () => {
    expect(render([done("a")], { FORCE_COLOR: "1" })).toEqual([
      "\u001b[32mdone\u001b[39m a (3.1 s)",
    ]);
  });
});
