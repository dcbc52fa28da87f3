import { describe, expect, it } from "vitest";
import { encodeFrame, FrameReader, tag } from "../../src/keeper/wire.ts";

const frame = encodeFrame(3, 7, [
  [tag.argument, "first"],
  [tag.argument, "zweites ü"],
  [tag.timeout, 12_345_678_901],
  [tag.stdio, Uint8Array.of(0, 1, 2)],
]);

describe("control frames", () => {
  it("come back as they were sent", () => {
    const [read] = [...new FrameReader().read(frame)];
    expect(read?.type).toBe(3);
    expect(read?.task).toBe(7);
    expect(read?.fields.texts(tag.argument)).toEqual(["first", "zweites ü"]);
    expect(read?.fields.number(tag.timeout)).toBe(12_345_678_901);
    expect([...(read?.fields.bytes(tag.stdio) ?? [])]).toEqual([0, 1, 2]);
    expect(read?.fields.text(tag.cwd)).toBeUndefined();
  });

  it("are found however the stream is cut", () => {
    const stream = Buffer.concat([frame, frame, frame]);
    for (let cut = 1; cut < stream.length; cut++) {
      const reader = new FrameReader();
      const frames = [
        ...reader.read(stream.subarray(0, cut)),
        ...reader.read(stream.subarray(cut)),
      ];
      expect(frames).toHaveLength(3);
    }
  });

  it("are refused when they cannot be frames", () => {
    expect(() => [...new FrameReader().read(Buffer.from([1, 0, 0, 0, 9]))]).toThrow(RangeError);
    const beyond = Buffer.from(frame);
    beyond.writeUInt32LE(1_000_000, 10);
    expect(() => [...new FrameReader().read(beyond)]).toThrow(RangeError);
  });
});
