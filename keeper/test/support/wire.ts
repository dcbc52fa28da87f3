/**
 * The control protocol, written a second time from `keeper/src/wire.h`: a test that used the
 * library's own encoder could not send what the library would never send.
 */
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
  userUs: 17,
  systemUs: 18,
  peak: 19,
  started: 20,
  killed: 21,
  stage: 23,
  errno: 24,
  note: 26,
  processes: 27,
  tree: 28,
  processesMax: 29,
  openFiles: 31,
  noNetwork: 33,
  hostIpc: 34,
  cgroup: 35,
  pids: 36,
} as const;

export const cause = { none: 0, timeout: 1, memory: 2, stopped: 3, initLost: 4 } as const;

export const stdio = { null: 0, pipe: 1, inherit: 2 } as const;

/** What the keeper takes for a frame; longer ones are malformed. */
export const frameMaxBytes = 64 * 2 ** 20;

export type Field = readonly [tag: number, value: string | bigint | number | Uint8Array];

export function field(name: number, bytes: Uint8Array, length = bytes.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(name, 0);
  head.writeUInt32LE(length, 1);
  return Buffer.concat([head, bytes]);
}

/** A frame around bytes that need not be fields. */
export function rawFrame(type: number, task: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(5 + body.length, 0);
  head.writeUInt8(type, 4);
  head.writeUInt32LE(task, 5);
  return Buffer.concat([head, body]);
}

export function frame(type: number, task: number, fields: readonly Field[] = []): Buffer {
  return rawFrame(
    type,
    task,
    Buffer.concat(fields.map(([name, value]) => field(name, toBytes(value)))),
  );
}

/** A START frame for a command in an otherwise empty environment. */
export function start(
  task: number,
  command: readonly string[],
  fields: readonly Field[] = [],
): Buffer {
  return frame(request.start, task, [
    ...command.map((word) => [tag.argument, word] as const),
    [tag.environment, "PATH=/usr/local/bin:/usr/bin:/bin"],
    ...fields,
  ]);
}

function toBytes(value: Field[1]): Uint8Array {
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof Uint8Array) return value;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** A frame from the keeper. */
export class Reply {
  readonly type: number;
  readonly task: number;
  readonly fields: ReadonlyMap<number, readonly Buffer[]>;

  constructor(body: Buffer) {
    this.type = body.readUInt8(0);
    this.task = body.readUInt32LE(1);
    const fields = new Map<number, Buffer[]>();
    for (let at = 5; at < body.length;) {
      const name = body.readUInt8(at);
      const end = at + 5 + body.readUInt32LE(at + 1);
      if (end > body.length) throw new RangeError("the keeper sent a field beyond its frame");
      fields.set(name, [...(fields.get(name) ?? []), body.subarray(at + 5, end)]);
      at = end;
    }
    this.fields = fields;
  }

  text(name: number): string | undefined {
    return this.fields.get(name)?.[0]?.toString();
  }

  number(name: number): number | undefined {
    const bytes = this.fields.get(name)?.[0];
    return bytes === undefined ? undefined : Number(bytes.readBigUInt64LE());
  }
}

/** Cuts what the keeper says into frames, and is as strict with it as it is with us. */
export class ReplyReader {
  #pending: Buffer = Buffer.alloc(0);

  *read(chunk: Buffer): Generator<Reply> {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32LE(0);
      if (end < 9 || end > 4 + frameMaxBytes) throw new RangeError(`a reply of ${end} bytes`);
      if (rest.length < end) break;
      const body = rest.subarray(4, end);
      rest = rest.subarray(end);
      yield new Reply(body);
    }
    this.#pending = Buffer.from(rest);
  }
}
