/** What a worker does with bytes that no pool sends: it ends, and hangs never. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { feedWorker, frame } from "./support/worker-process.ts";

/** Lengths as they stand before a frame. */
function lengths(whole: number, header: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(whole, 0);
  bytes.writeUInt32LE(header, 4);
  return bytes;
}

describe("a worker that is sent what is no frame", () => {
  it.each([
    ["text", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["a frame above 2 GiB", lengths(2 ** 31, 10)],
    ["a header longer than its frame", lengths(20, 17)],
    ["a frame of no length", lengths(0, 0)],
    ["no JSON", frame("{nonsense}")],
    ["no JSON, though nested deeply", frame("[".repeat(100_000))],
    ["no object", frame("[1,2]")],
    ["no UTF-8", Buffer.concat([lengths(6, 2), Buffer.of(0xff, 0xfe)])],
    ["a part beyond its frame", frame('{"t":"cancel","id":1,"parts":[5]}')],
    ["a part of a negative length", frame('{"t":"cancel","id":1,"parts":[-5]}')],
    ["a message without its fields", frame('{"t":"tasks"}')],
  ])("says so and ends: %s", async (_, bytes) => {
    const { code, stderr } = await feedWorker(bytes, false);
    expect(code).toBe(1);
    expect(stderr).not.toBe("");
  });

  it("is not ended by values that are nested deeply", async () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const task = frame(`{"t":"tasks","each":1,"plain":0,"list":[1,"echo",[${deep}]]}`);
    const { code, stderr } = await feedWorker(Buffer.concat([task, frame('{"t":"close"}')]), false);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it.each([
    ["before a frame", Buffer.alloc(0)],
    ["in the lengths", Buffer.of(1, 2, 3)],
    ["in a header", lengths(100, 90)],
    ["in a large part", Buffer.concat([lengths(2_000_000, 15), Buffer.from('{"parts":[1000]}')])],
    ["in a large header", Buffer.concat([lengths(500_000, 400_000), Buffer.alloc(100_000, 32)])],
  ])("ends at the end of the stream: %s", async (_, bytes) => {
    const { code, signal } = await feedWorker(bytes, true);
    expect(signal).toBe(null);
    expect(code).toBeOneOf([0, 1]);
  });

  it("ends whatever it is sent", async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => frame(text)),
      fc
        .record({
          t: fc.constantFrom("hello", "tasks", "run", "cancel", "answer", "close", "x"),
          id: fc.jsonValue(),
          list: fc.jsonValue(),
          parts: fc.jsonValue(),
          call: fc.jsonValue(),
        })
        .map((message) => frame(JSON.stringify(message))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 5 }), async (pieces) => {
        const { code, signal } = await feedWorker(Buffer.concat(pieces), true);
        expect(signal).toBe(null);
        expect(code).toBeOneOf([0, 1]);
      }),
      { numRuns: 20 },
    );
  });
});
