import { closeSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BulkFile, bulkPartBytesMin, ringBytes } from "../../src/worker/bulk.ts";
import { encodeFrame, MessageReader, type Message } from "../../src/worker/frames.ts";

const size = 3_000_000;
let file: number;
let pool: BulkFile;
let worker: BulkFile;

beforeEach(() => {
  const path = join(tmpdir(), `bulk-${process.pid}`);
  file = openSync(path, "w+", 0o600);
  unlinkSync(path);
  pool = new BulkFile(file, "pool");
  worker = new BulkFile(file, "worker");
});

afterEach(() => closeSync(file));

function filled(length: number, byte: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

describe("the bulk file", () => {
  it("gives back what was put in, round after round", () => {
    for (let round = 0; round < 50; round++) {
      const parts = [filled(size, round), filled(bulkPartBytesMin, round + 1)];
      const positions = parts.map((part) => pool.put(part));
      parts.forEach((part, index) => {
        const taken = worker.take(positions[index] ?? NaN, part.length);
        expect(Buffer.compare(taken, part)).toBe(0);
      });
    }
  });

  it("has no room until the other side has read", () => {
    const first = pool.put(filled(size, 1));
    expect(pool.put(filled(size, 2))).not.toBeNull();
    expect(pool.put(filled(size, 3))).toBeNull();
    worker.take(first ?? NaN, size);
    const third = pool.put(filled(size, 3));
    expect(worker.take(third ?? NaN, size)[0]).toBe(3);
  });

  it("takes neither small parts nor any above its size", () => {
    expect(pool.put(filled(bulkPartBytesMin - 1, 1))).toBeNull();
    expect(pool.put(new Uint8Array(ringBytes + 1))).toBeNull();
    expect(pool.put(new Uint8Array(ringBytes))).toBe(0);
  });

  it("is the worker's only once the pool has allowed it", () => {
    expect(worker.put(filled(size, 1))).toBeNull();
    pool.allow();
    // All of its memory is the pool's by now, and not charged to the worker.
    expect(fstatSync(file).size).toBe(4096 + 2 * ringBytes);
    const position = worker.put(filled(size, 7));
    expect(pool.take(position ?? NaN, size)[size - 1]).toBe(7);
  });

  it("refuses a part that is not there", () => {
    expect(() => pool.take(ringBytes - 1, 2)).toThrow(RangeError);
    expect(() => pool.take(0, 10)).toThrow(RangeError);
    pool.allow();
    ftruncateSync(file, 0);
    expect(() => pool.take(0, 10)).toThrow(RangeError);
  });

  it("is left alone when the other side claims to have read what was not written", () => {
    const claim = Buffer.alloc(8);
    claim.writeBigUInt64LE(2n ** 50n);
    writeSync(file, claim, 0, 8, 0);
    expect(pool.put(filled(size, 1))).toBeNull();
  });

  it("carries the large parts of a frame, and the stream the others", () => {
    const parts = [filled(10, 1), filled(size, 2), filled(size, 3), filled(size, 4)];
    const bytes = Buffer.concat(encodeFrame('{"t":"x"}', parts, pool));
    expect(bytes.length).toBeLessThan(size + 200); // the last found no room
    const reader = new MessageReader();
    reader.bulk = worker;
    const messages: Message[] = [];
    for (let at = 0; at < bytes.length; at += 65_536)
      reader.read(bytes.subarray(at, at + 65_536), (message) => messages.push(message));
    expect(messages).toHaveLength(1);
    expect(messages[0]?.parts.map((part) => [part.length, part[0]])).toEqual([
      [10, 1],
      [size, 2],
      [size, 3],
      [size, 4],
    ]);
  });

  it("must be there where a frame names it", () => {
    const bytes = Buffer.concat(encodeFrame('{"t":"x"}', [filled(size, 2)], pool));
    expect(() => new MessageReader().read(bytes, () => undefined)).toThrow(RangeError);
  });
});
