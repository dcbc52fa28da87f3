/**
 * The control protocol with the keeper; `keeper/src/wire.h` is its other half and explains it.
 *
 *     frame = u32 length of what follows | u8 type | u32 task | field...
 *     field = u8 tag | u32 length | bytes            (little-endian; numbers are 8 bytes)
 */
export const wireVersion = 4;

export const request = {
  start: 1,
  opened: 2,
  stop: 3,
  deadline: 4,
  signal: 5,
  resume: 6,
} as const;

export const reply = {
  hello: 1,
  started: 2,
  exited: 3,
  ended: 4,
  sample: 5,
  stuck: 6,
  stopped: 7,
  refused: 8,
} as const;

export const tag = {
  argument: 1,
  environment: 2,
  cwd: 3,
  stdio: 4,
  timeout: 5,
  grace: 6,
  memory: 7,
  socket: 8,
  token: 9,
  scratch: 10,
  number: 11,
  path: 12,
  pid: 13,
  descriptors: 14,
  status: 15,
  cause: 16,
  userMicros: 17,
  systemMicros: 18,
  peak: 19,
  started: 20,
  killed: 21,
  leak: 22,
  stage: 23,
  errno: 24,
  proc: 25,
  note: 26,
  processes: 27,
  tree: 28,
  processesMax: 29,
  cpus: 30,
  openFiles: 31,
  core: 32,
  noNetwork: 33,
  hostIpc: 34,
  cgroup: 35,
  pids: 36,
  exact: 37,
  stuck: 38,
  bulk: 39,
  jobserver: 40,
  hold: 41,
  join: 42,
  nonblocking: 43,
  firstChannel: 44,
  oldMakeFlags: 45,
} as const;

/** Of a frame: its length, type and task. */
const headerBytes = 9;

export type FieldValue = string | number | Uint8Array;
export type Field = readonly [tag: number, value: FieldValue];

export function encodeFrame(type: number, task: number, fields: Iterable<Field>): Buffer {
  const all = [...fields];
  // One piece of memory for all of it: an environment is dozens of fields.
  let length = headerBytes;
  for (const [, value] of all) length += 5 + valueLength(value);
  const frame = Buffer.allocUnsafe(length);
  frame.writeUInt32LE(length - 4, 0);
  frame.writeUInt8(type, 4);
  frame.writeUInt32LE(task, 5);
  let at = headerBytes;
  for (const [name, value] of all) {
    const bytes = writeValue(frame, at + 5, value);
    frame.writeUInt8(name, at);
    frame.writeUInt32LE(bytes, at + 1);
    at += 5 + bytes;
  }
  return frame;
}

function valueLength(value: FieldValue): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  return typeof value === "number" ? 8 : value.length;
}

/** Returns how many bytes it took. */
function writeValue(frame: Buffer, at: number, value: FieldValue): number {
  if (typeof value === "string") return frame.write(value, at);
  if (typeof value === "number") frame.writeBigUInt64LE(BigInt(Math.round(value)), at);
  else frame.set(value, at);
  return valueLength(value);
}

/** A frame's fields, for reading. */
export class Fields {
  readonly #fields: readonly (readonly [number, Buffer])[];

  constructor(fields: readonly (readonly [number, Buffer])[]) {
    this.#fields = fields;
  }

  bytes(name: number): Buffer | undefined {
    return this.#fields.find(([found]) => found === name)?.[1];
  }

  text(name: number): string | undefined {
    return this.bytes(name)?.toString();
  }

  texts(name: number): string[] {
    return this.#fields.filter(([found]) => found === name).map(([, bytes]) => bytes.toString());
  }

  number(name: number): number | undefined {
    const bytes = this.bytes(name);
    return bytes?.length === 8 ? Number(bytes.readBigUInt64LE()) : undefined;
  }
}

export interface Frame {
  readonly type: number;
  readonly task: number;
  readonly fields: Fields;
}

/** Cuts a byte stream into frames. Throws a RangeError on bytes that cannot be frames. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  *read(chunk: Buffer): Generator<Frame> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 4) {
      const length = this.#pending.readUInt32LE(0);
      if (length < 5) throw new RangeError(`a frame of ${length} bytes`);
      if (this.#pending.length < 4 + length) return;
      const frame = this.#pending.subarray(4, 4 + length);
      this.#pending = this.#pending.subarray(4 + length);
      yield { type: frame.readUInt8(0), task: frame.readUInt32LE(1), fields: readFields(frame) };
    }
  }
}

function readFields(frame: Buffer): Fields {
  const fields: [number, Buffer][] = [];
  let offset = 5;
  while (offset < frame.length) {
    const length = frame.readUInt32LE(offset + 1);
    const start = offset + 5;
    if (start + length > frame.length) throw new RangeError("a field beyond its frame");
    fields.push([frame.readUInt8(offset), frame.subarray(start, start + length)]);
    offset = start + length;
  }
  return new Fields(fields);
}
