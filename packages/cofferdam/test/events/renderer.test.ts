import { describe, expect, it } from "vitest";
import { createRenderer } from "../../src/events/index.ts";
import { discovered, done, failed, finished, notice, started } from "./support/events.ts";
import { FakeStream } from "./support/fake-stream.ts";

describe("auto", () => {
  it.each([
    [true, {}, "tty"],
    [true, { TERM: "xterm-256color" }, "tty"],
    [true, { TERM: "dumb" }, "plain"],
    [true, { CI: "true" }, "plain"],
    [true, { CI: "0" }, "tty"],
    [true, { CI: "" }, "tty"],
    [false, {}, "plain"],
  ])("with a terminal %s and %j is %s", (isTTY, env, mode) => {
    const stream = new FakeStream({ isTTY });
    const renderer = createRenderer({ mode: "auto", stream, env });
    renderer.listener(started());
    renderer.listener(discovered(3));
    renderer.close();
    expect(stream.text.includes("\u001b[?25l")).toBe(mode === "tty");
    expect(renderer.restore !== "").toBe(mode === "tty");
  });
});

it("writes to standard error unless told otherwise", () => {
  const listeners = process.stderr.listenerCount("error");
  createRenderer({ mode: "plain" }).close();
  expect(process.stderr.listenerCount("error")).toBe(listeners + 1);
  createRenderer({ mode: "json" }).close();
  expect(process.stderr.listenerCount("error")).toBe(listeners + 1);
});

it("says nothing in mode none", () => {
  const stream = new FakeStream({ isTTY: true });
  using renderer = createRenderer({ mode: "none", stream });
  renderer.listener(started());
  renderer.listener(failed("a"));
  renderer.clear();
  expect(stream.text).toBe("");
});

it("refuses a mode there is not", () => {
  const mode = "fancy" as never;
  expect(() => createRenderer({ mode, stream: new FakeStream() })).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", message: "no such mode: fancy" }),
  );
});

describe.each(["tty", "plain", "json"] as const)("%s with a stream that breaks", (mode) => {
  const run = (renderer: ReturnType<typeof createRenderer>) => {
    for (const event of [started(), discovered(9), notice("n"), done("a"), failed("b"), finished()])
      renderer.listener(event);
    renderer.clear();
    renderer.close();
  };

  it("is silent after EPIPE, and does not write again", async () => {
    const stream = new FakeStream();
    let writes = 0;
    stream._write = (_chunk, _encoding, callback: (error?: Error) => void) => {
      writes += 1;
      callback(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    };
    const renderer = createRenderer({ mode, stream, env: {} });
    renderer.listener(notice("first"));
    await new Promise((resolve) => stream.once("close", resolve));
    run(renderer);
    expect(writes).toBe(1);
  });

  it("is silent on a stream that forgets its errors, as process.stderr does", async () => {
    const stream = new FakeStream();
    let writes = 0;
    stream.write = () => {
      writes += 1;
      process.nextTick(() => stream.emit("error", new Error("write EPIPE")));
      return false;
    };
    const renderer = createRenderer({ mode, stream, env: {} });
    const failure = new Promise((resolve) => stream.once("error", resolve));
    renderer.listener(notice("first"));
    await failure;
    run(renderer);
    run(createRenderer({ mode, stream, env: {} }));
    expect(writes).toBe(1);
  });

  it("is silent on a destroyed or ended stream", async () => {
    const destroyed = new FakeStream();
    destroyed.destroy();
    run(createRenderer({ mode, stream: destroyed, env: {} }));
    const ended = new FakeStream();
    await new Promise<void>((resolve) => ended.end(resolve));
    run(createRenderer({ mode, stream: ended, env: {} }));
    expect(destroyed.text + ended.text).toBe("");
  });

  it("survives a write that throws", () => {
    const stream = new FakeStream();
    stream.write = () => {
      throw new Error("no");
    };
    expect(() => run(createRenderer({ mode, stream, env: {} }))).not.toThrow();
  });
});
