import { PassThrough } from "node:stream";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { MessageReader, writeMessage } from "../../src/worker/frames.ts";

function bytesOf(header: Record<string, unknown>, parts: Uint8Array[] = []): Buffer {
  const stream = new PassThrough();
  writeMessage(stream as unknown as Socket, header, parts);
  return stream.read() as Buffer;
}

describe("worker frames", () => {
  const bytes = bytesOf({ t: "run", text: "ü" }, [Uint8Array.of(1, 2, 3), Uint8Array.of()]);

  it("are found however the stream is cut", () => {
    const stream = Buffer.concat([bytes, bytes]);
    for (let cut = 1; cut < stream.length; cut++) {
      const reader = new MessageReader();
      const messages = [
        ...reader.read(stream.subarray(0, cut)),
        ...reader.read(stream.subarray(cut)),
      ];
      expect(messages).toHaveLength(2);
      expect(messages[1]?.header).toMatchObject({ t: "run", text: "ü" });
      expect(messages[1]?.parts.map((part) => [...part])).toEqual([[1, 2, 3], []]);
    }
  });

  it.each([
    ["a length below its own header", Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])],
    ["a length above all reason", Buffer.from([255, 255, 255, 255, 0, 0, 0, 0])],
    ["a header beyond the frame", Buffer.from([4, 0, 0, 0, 99, 0, 0, 0])],
    ["a header that is no object", Buffer.from([5, 0, 0, 0, 1, 0, 0, 0, 0x37])],
    ["text of a program that prints", Buffer.from("hello, this is stdout\n")],
  ])("refuses %s", (_, broken) => {
    const reader = new MessageReader();
    expect(() => [...reader.read(broken)]).toThrow();
  });

  it("refuses parts that go beyond the frame", () => {
    const text = Buffer.from(JSON.stringify({ parts: [1000] }));
    const head = Buffer.alloc(8);
    head.writeUInt32LE(4 + text.length, 0);
    head.writeUInt32LE(text.length, 4);
    expect(() => [...new MessageReader().read(Buffer.concat([head, text]))]).toThrow(RangeError);
  });
});
