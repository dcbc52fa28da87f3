import type { Random } from "./random.ts";
import { field, frame, frameMaxBytes, rawFrame, request, start, stdio, tag } from "./wire.ts";

/** Few enough that tasks, duplicates of them and requests about them meet. */
const smallIds = 16;

/** Where a sum with the present moment, or a product, would run over. */
const numbers = [
  0n,
  1n,
  20n,
  2_147_483_648n,
  2n ** 32n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n - 1_000_000n,
] as const;

/** Bytes that the keeper cannot take for frames. `hangsUp`: it sees so without being told more. */
export interface Garbage {
  readonly name: string;
  readonly bytes: Buffer;
  readonly hangsUp: boolean;
}

export function garbage(random: Random, count: number): Garbage[] {
  const valid = start(1, ["/bin/true"]);
  const length = (value: number): Buffer => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(value, 0);
    return bytes;
  };
  const fixed: Garbage[] = [
    { name: "nothing", bytes: Buffer.alloc(0), hangsUp: false },
    { name: "half a length", bytes: Buffer.from([9, 0]), hangsUp: false },
    { name: "a length of 0", bytes: length(0), hangsUp: true },
    { name: "a length without room for a task", bytes: length(4), hangsUp: true },
    { name: "the greatest length", bytes: length(0xffff_ffff), hangsUp: true },
    { name: "a length just too great", bytes: length(frameMaxBytes + 1), hangsUp: true },
    { name: "the greatest good length, cut off", bytes: length(frameMaxBytes), hangsUp: false },
    {
      name: "a good frame and then nonsense",
      bytes: Buffer.concat([valid, length(3)]),
      hangsUp: true,
    },
    { name: "a frame cut off", bytes: valid.subarray(0, valid.length - 1), hangsUp: false },
  ];
  const randomly = Array.from({ length: count }, (_, index): Garbage => {
    const bytes = random.bytes(8 + random.int(4096));
    // A first length above the bound: with another one the keeper would rightly wait for more.
    bytes.writeUInt32LE(frameMaxBytes + 1 + random.int(2 ** 31), 0);
    return { name: `random bytes ${index}`, bytes, hangsUp: true };
  });
  return [...fixed, ...randomly];
}

/**
 * A frame with a sound length and nonsense in it, so that the connection goes on. START frames in
 * it either are refused or start `true` or `sleep`, and nothing else: no random byte gets to name a
 * program that does harm.
 */
export function nonsenseFrame(random: Random): Buffer {
  const id = random.oneIn(8) ? random.int(2 ** 32) : random.int(smallIds);
  switch (random.int(8)) {
    case 0:
      return rawFrame(unknownType(random), id, random.bytes(random.int(64)));
    case 1:
      return rawFrame(otherRequest(random), id, random.bytes(random.int(32)));
    case 2:
      return rawFrame(request.start, id, withoutArguments(random));
    case 3:
      return strangeStart(random, random.int(smallIds));
    case 4:
      return random.oneIn(60)
        ? soundStart(random, random.int(smallIds))
        : start(id, ["/bin/true", "a\0b"]);
    default:
      return soundRequest(random, id);
  }
}

/** Ends whatever nonsense frames may have started. */
export function stopAll(): Buffer {
  const ids = Array.from({ length: smallIds }, (_, id) => id);
  return Buffer.concat(
    ids.flatMap((id) => [frame(request.stop, id, [[tag.grace, 0]]), frame(request.opened, id)]),
  );
}

function unknownType(random: Random): number {
  const type = random.int(256);
  return type === request.start ? 0 : type;
}

function otherRequest(random: Random): number {
  return random.pick([
    request.opened,
    request.stop,
    request.deadline,
    request.signal,
    request.resume,
  ]);
}

function soundRequest(random: Random, id: number): Buffer {
  const type = otherRequest(random);
  const number = random.pick(numbers);
  const fields = [
    [tag.grace, number],
    [tag.timeout, random.pick(numbers)],
    [tag.number, random.oneIn(2) ? random.int(70) : number],
    [random.int(256), random.bytes(random.int(20))],
  ] as const;
  return frame(
    type,
    id,
    fields.filter(() => random.oneIn(2)),
  );
}

/** Random fields, none of which is an argument: the START is refused, however it is read. */
function withoutArguments(random: Random): Buffer {
  const parts = Array.from({ length: random.int(6) }, () => {
    const name = random.int(256);
    const bytes = random.bytes(random.int(40));
    return field(name === tag.argument ? tag.environment : name, bytes);
  });
  const body = Buffer.concat(parts);
  return random.oneIn(3) ? body.subarray(0, random.int(body.length + 1)) : body;
}

/** Each is refused, or ends by itself at once. */
function strangeStart(random: Random, id: number): Buffer {
  const path = Buffer.alloc(random.pick([0, 1, 107, 108, 5000]), "x");
  const strange = random.pick([
    field(tag.stdio, random.bytes(random.pick([0, 1, 2, 4, 300]))),
    field(tag.stdio, Uint8Array.of(0, 3 + random.int(253), 0)),
    field(tag.token, random.bytes(65 + random.int(64))),
    field(tag.socket, path),
    field(tag.cwd, Buffer.from("/nowhere\0")),
    field(tag.environment, random.bytes(4), 2 ** 31 + random.int(2 ** 31)),
    field(tag.environment, random.bytes(4), 5),
    Buffer.from([tag.argument, 1]),
  ]);
  const sound = start(id, [random.pick(["", "/bin/true", "/nowhere/at/all"])]).subarray(9);
  const parts = random.oneIn(2) ? [sound, strange] : [strange, sound];
  return rawFrame(request.start, id, Buffer.concat(parts));
}

function soundStart(random: Random, id: number): Buffer {
  const command = random.pick([["/bin/true"], ["/bin/sleep", "600"], ["/nowhere/at/all"], [""]]);
  const mode = (): number => random.pick([stdio.null, stdio.pipe, stdio.inherit]);
  const fields = [
    [tag.stdio, Uint8Array.of(mode(), mode(), mode())],
    [tag.timeout, random.pick(numbers)],
    [tag.grace, random.pick(numbers)],
    [tag.memory, random.pick(numbers)],
    [tag.scratch, ""],
    [tag.cgroup, random.bytes(random.int(9))],
    [tag.pids, random.pick(numbers)],
    [tag.cwd, random.pick(["/", "/nowhere", ""])],
    [tag.environment, ""],
  ] as const;
  return start(
    id,
    command,
    fields.filter(() => random.oneIn(3)),
  );
}
