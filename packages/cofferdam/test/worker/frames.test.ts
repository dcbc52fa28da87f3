import { describe, expect, it } from "vitest";
import { encodeFrame, MessageReader, type Message } from "../../src/worker/frames.ts";

function bytesOf(header: Record<string, unknown>, parts: Uint8Array[] = []): Buffer {
  return Buffer.concat(encodeFrame(JSON.stringify(header), parts));
}

function readAll(reader: MessageReader, chunk: Buffer): Message[] {
  const messages: Message[] = [];
  reader.read(chunk, (message) => messages.push(message));
  return messages;
}

describe("worker frames", () => {
  const bytes = bytesOf({ t: "run", text: "ü" }, [Uint8Array.of(1, 2, 3), Uint8Array.of()]);

  it("are found however the stream is cut", () => {
    const stream = Buffer.concat([bytes, bytes]);
    for (let cut = 1; cut < stream.length; cut++) {
      const reader = new MessageReader();
      const messages = [
        ...readAll(reader, stream.subarray(0, cut)),
        ...readAll(reader, stream.subarray(cut)),
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
    expect(() => readAll(reader, broken)).toThrow();
  });

  it("refuses parts that go beyond the frame", () => {
    const text = Buffer.from(JSON.stringify({ parts: [1000] }));
    const head = Buffer.alloc(8);
    head.writeUInt32LE(4 + text.length, 0);
    head.writeUInt32LE(text.length, 4);
    expect(() => readAll(new MessageReader(), Buffer.concat([head, text]))).toThrow(RangeError);
  });
});
