import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CofferdamEvent } from "../../src/events/index.ts";
import { createRenderer } from "../../src/events/index.ts";
import { begun, discovered, done, failed, finished } from "./support/events.ts";
import { NASTY_NAMES, notice, skipped, started } from "./support/events.ts";
import { FakeStream } from "./support/fake-stream.ts";
import { Screen } from "./support/screen.ts";

/** A renderer, a terminal, and a clock that moves only when told to. */
function open(columns = 80, rows = 24, env: Record<string, string> = {}) {
  const stream = new FakeStream({ isTTY: true, columns, rows });
  const screen = new Screen(columns, rows);
  const renderer = createRenderer({ mode: "tty", stream, env: { NO_COLOR: "1", ...env } });
  let read = 0;
  const see = (): string[] => {
    for (; read < stream.chunks.length; read += 1) screen.write(stream.chunks[read] ?? "");
    return screen.lines;
  };
  const send = (...events: CofferdamEvent[]): void => {
    for (const event of events) renderer.listener({ ...event, at: Date.now() });
  };
  const resize = (width: number): void => {
    see();
    screen.resize(width);
    stream.resize(width);
  };
  /** Past the frame that waits. */
  const settle = (): string[] => {
    vi.advanceTimersByTime(100);
    return see();
  };
  return { stream, screen, renderer, see, send, resize, settle };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  expect(vi.getTimerCount(), "a timer is left").toBe(0);
  vi.useRealTimers();
});

describe("the terminal renderer", () => {
  it("shows how far it is, how fast, how long still, what failed and what runs", () => {
    const { renderer, send, settle } = open();
    send(started(), discovered(40), begun("a.pdf"), begun("b.pdf"));
    vi.advanceTimersByTime(1000);
    send(done("a.pdf"), begun("c.pdf"));
    vi.advanceTimersByTime(1000);
    send(failed("b.pdf"));
    expect(settle()).toEqual([
      "failed b.pdf: EXIT: exit code 1 (3.1 s)",
      expect.stringMatching(
        /^ documents {2}━─{29,30} {2}2\/40 {2}5% {2}1 failed {2}1\/s {2}3\d s left$/,
      ),
      " c.pdf",
    ]);
    renderer.close();
  });

  it("leaves nothing but failures and notices", () => {
    const { screen, renderer, send, settle, see } = open();
    send(notice("early"), started(), discovered(3), begun("a"), begun("b"));
    settle();
    send(done("a"), failed("b"), notice("late", "info"), skipped("c"));
    settle();
    send(finished());
    renderer.close();
    expect(see()).toEqual(["warning: early", "failed b: EXIT: exit code 1 (3.1 s)", "note: late"]);
    expect(screen.cursor).toEqual({ row: 3, column: 0, visible: true });
    expect(screen.wraps).toBe(true);
  });

  it("gives no percentage and no time while items are still being discovered", () => {
    const { renderer, send, settle } = open();
    send(started(), discovered(1000, false), begun("a"));
    vi.advanceTimersByTime(1000);
    send(done("a"));
    expect(settle()).toEqual([" documents  1/1,000+  1/s"]);
    renderer.close();
  });

  it("draws at most 12 frames a second, and the last state always", () => {
    const { stream, renderer, send, settle } = open();
    send(started(), discovered(1000));
    const before = stream.chunks.length;
    for (let n = 0; n < 1000; n += 1) {
      send(begun(`${n}`), done(`${n}`));
      vi.advanceTimersByTime(1);
    }
    expect(stream.chunks.length - before).toBeLessThanOrEqual(12);
    expect(settle()[0]).toContain("1,000/1,000  100%");
    renderer.close();
  });

  it("counts the time down while nothing happens", () => {
    const { renderer, send, settle } = open();
    send(started(), discovered(10), begun("a"));
    vi.advanceTimersByTime(60_000);
    send(done("a"));
    const [first] = settle();
    vi.advanceTimersByTime(5000);
    expect(settle()[0]).not.toBe(first);
    renderer.close();
  });

  it.each([200, 80, 60, 40, 30, 20, 12, 8, 4, 2, 1])("fits %d columns", (columns) => {
    const { screen, renderer, send, settle } = open(columns);
    send(started("a title that is somewhat long: 文書", 0), discovered(123_456));
    for (const name of NASTY_NAMES) {
      send(begun(name));
      settle();
      send(begun(`${name}2`), done(`${name}2`));
      settle();
    }
    expect(screen.wrapped, "wrapped").toBe(0);
    expect(screen.cut, "cut off at the edge").toBe(0);
    expect(screen.lines.length).toBeLessThanOrEqual(2);
    if (columns >= 12) expect(screen.lines[0]).toContain(`${NASTY_NAMES.length}/`);
    renderer.close();
  });

  it("never lets a name command the terminal", () => {
    // The screen throws at any control that is not the renderer's.
    const { screen, renderer, send, settle, see } = open(80, 60);
    send(started(NASTY_NAMES[0]), discovered(NASTY_NAMES.length));
    for (const name of NASTY_NAMES) send(begun(name), failed(name, `${name}\n${name}`));
    settle();
    send(finished());
    renderer.close();
    expect(see().filter((line) => line.startsWith("failed "))).toHaveLength(NASTY_NAMES.length);
    expect(screen.cursor.visible).toBe(true);
  });

  it("keeps a failed file's name whole, however long", () => {
    const { renderer, send, see } = open(40);
    const name = `${"directory/".repeat(20)}file.pdf`;
    send(started(), discovered(2), failed(name));
    renderer.close();
    expect(see().join("")).toContain(name);
  });

  it("shares the names' line, and counts those that do not fit", () => {
    const { renderer, send, settle } = open(60);
    send(started(), discovered(40));
    for (let n = 0; n < 10; n += 1) send(begun(`${n}-${"long-".repeat(n * 2)}name.pdf`));
    const [, names = ""] = settle();
    expect(names).toMatch(/^ 0-name\.pdf · 1-lon…ong-name\.pdf · 2-lon.*…ong-name\.pdf · \+7$/);
    expect(names.length).toBe(59);
    renderer.close();
  });

  it("follows a resize, and leaves no old frame behind", () => {
    const { renderer, screen, send, settle, resize, see } = open(120);
    send(started(), discovered(40), begun("a.pdf"), failed("b", ""));
    settle();
    for (const columns of [80, 40, 25, 60, 200]) {
      resize(columns);
      const lines = settle();
      expect(lines).toHaveLength(3);
      expect(lines[1]?.length).toBeLessThan(columns);
    }
    expect(screen.cut).toBe(0);
    renderer.close();
    expect(see()).toEqual(["failed b: EXIT (3.1 s)"]);
  });

  it("works on the last row, where each line scrolls", () => {
    const { renderer, send, settle, see } = open(80, 5);
    send(started(), discovered(40));
    for (let n = 0; n < 20; n += 1) {
      send(begun(`${n}`), begun(`next ${n}`), failed(`${n}`), done(`next ${n}`));
      settle();
    }
    renderer.close();
    expect(see()).toEqual(
      Array.from({ length: 20 }, (_, n) => `failed ${n}: EXIT: exit code 1 (3.1 s)`),
    );
  });

  it("draws one line where there are few rows", () => {
    const { renderer, send, settle } = open(80, 3);
    send(started(), discovered(4), begun("a"));
    expect(settle()).toHaveLength(1);
    renderer.close();
  });

  it("gives the terminal to others for a while", () => {
    const { stream, renderer, send, settle, see } = open();
    send(started(), discovered(4), begun("a"));
    settle();
    renderer.clear();
    expect(see()).toEqual([]);
    stream.write("result\r\n");
    send(done("a"));
    expect(settle()).toEqual(["result", expect.stringContaining("1/4")]);
    renderer.close();
    expect(see()).toEqual(["result"]);
  });

  it("can be restored from outside at any moment, in the middle of a write too", () => {
    const { stream, renderer, send, settle } = open();
    send(started(), discovered(4), begun("a"));
    settle();
    const frame = stream.text;
    for (let end = 0; end < frame.length; end += 1) {
      // A cut within an escape is the one place where nothing helps; a write to a terminal is whole.
      const part = frame.slice(0, end);
      // eslint-disable-next-line no-control-regex
      if (/\u001b(\[\??\d*)?$/.test(part)) continue;
      const screen = new Screen(80, 24);
      screen.write(part + renderer.restore);
      expect(screen.cursor.visible && screen.wraps).toBe(true);
    }
    const screen = new Screen(80, 24);
    screen.write(frame + renderer.restore);
    expect(screen.lines).toEqual([]);
    renderer.close();
  });

  it("drops frames, not failures, for a terminal that is behind", async () => {
    const { stream, renderer, send, see } = open();
    send(started(), discovered(1000));
    stream.stall();
    for (let n = 0; n < 1000; n += 1) {
      send(begun(`${n}`), n === 500 ? failed(`${n}`) : done(`${n}`));
      vi.advanceTimersByTime(100);
    }
    expect(stream.writableLength).toBeLessThan(64 * 1024);
    await stream.resume();
    vi.advanceTimersByTime(1000);
    expect(see()).toEqual([
      "failed 500: EXIT: exit code 1 (3.1 s)",
      expect.stringContaining("1,000/1,000"),
    ]);
    renderer.close();
  });

  it("has a limit for failures too, and says how many are missing", async () => {
    const { stream, renderer, send, see } = open();
    send(started(), discovered(20_000));
    stream.stall();
    for (let n = 0; n < 20_000; n += 1) send(failed("x".repeat(1000)));
    expect(stream.writableLength).toBeLessThan(5 * 1024 * 1024);
    await stream.resume();
    renderer.close();
    expect(see().at(-1)).toMatch(/^warning: [\d,]+ lines dropped: slow reader$/);
  });

  it("uses ASCII alone where the terminal has no more, and colours where it may", () => {
    const { stream, renderer, send, settle } = open(80, 24, { TERM: "linux", NO_COLOR: "" });
    send(started(), discovered(4), begun("a"), begun("b"), done("a"));
    settle();
    // eslint-disable-next-line no-control-regex
    expect(stream.text).toMatch(/^[\u0000-\u007f]*$/);
    expect(stream.text).toContain("\u001b[32m##########");
    renderer.close();
  });

  it("starts anew with a second run, and ignores what comes after closing", () => {
    const { stream, renderer, send, settle } = open();
    send(started(), discovered(2), done("a"), failed("b"), finished());
    send(started("again"), discovered(5));
    expect(settle().at(-1)).toMatch(/^ again .* 0\/5 {2}0%$/);
    renderer.close();
    const before = stream.chunks.length;
    renderer.close();
    send(failed("c"));
    stream.emit("resize");
    expect(stream.chunks.length).toBe(before);
    expect(stream.listenerCount("resize")).toBe(0);
  });
});
