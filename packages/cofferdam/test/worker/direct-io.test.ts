import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { neverWaits, readNow, writeNow } from "../../src/worker/direct-io.ts";

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

let folder: string;
let reader: number;
let writer: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "direct-io-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  reader = openSync(path, O_RDONLY | O_NONBLOCK);
  writer = openSync(path, O_WRONLY | O_NONBLOCK);
});

afterEach(() => {
  closeSync(reader);
  rmSync(folder, { recursive: true });
});

it.skipIf(process.platform !== "linux")("knows what never waits", () => {
  expect(neverWaits(reader)).toBe(true);
  const waiting = openSync(join(folder, "pipe"), O_RDWR);
  expect(neverWaits(waiting)).toBe(false);
  closeSync(waiting);
  expect(neverWaits(waiting)).toBe(false); // there is no such descriptor any more
  closeSync(writer);
});

it("reads what is there, and tells nothing from the end", () => {
  const buffer = Buffer.alloc(100);
  expect(readNow(reader, buffer)).toBe(null);
  expect(writeNow(writer, [Buffer.from("ab"), Buffer.from("c")])).toEqual([]);
  expect(readNow(reader, buffer)).toBe(3);
  expect(buffer.toString("utf8", 0, 3)).toBe("abc");
  closeSync(writer);
  expect(readNow(reader, buffer)).toBe(0);
});

it("gives back what there was no room for, in order", () => {
  const parts = Array.from({ length: 10 }, (_, index) => Buffer.alloc(30_000, index));
  const left = writeNow(writer, parts);
  const leftBytes = Buffer.concat(left);
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(parts.length);
  const written = Buffer.alloc(300_000 - leftBytes.length);
  let at = 0;
  while (at < written.length) at += readSync(reader, written.subarray(at));
  expect(Buffer.concat([written, leftBytes]).equals(Buffer.concat(parts))).toBe(true);
  closeSync(writer);
});

it("throws what is wrong with the descriptor", () => {
  closeSync(writer);
  expect(() => writeNow(reader, [Buffer.from("x")])).toThrow(/EBADF/);
});
