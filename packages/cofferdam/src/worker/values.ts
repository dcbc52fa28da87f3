import { CofferdamError } from "../errors/index.ts";
import { headerBytesMax } from "./frames.ts";
import { shapeOf, withShape } from "./shape.ts";

/**
 * Values as they travel between processes: JSON, with what JSON cannot say wrapped in an object
 * whose key is `$`. Binary data goes beside the JSON, in parts, without being turned into text.
 *
 *     {"$":"part","i":0,"type":"Float32Array","shape":[2,3]} (a shape if it has one)
 *     {"$":"part","i":0,"type":"string"} (UTF-8; a long string, where `texts` allows it)
 *     {"$":"number","v":"NaN"}
 *     {"$":"bigint","v":"12"}   {"$":"undefined"}   {"$":"object","v":{...}} (has a key `$` itself)
 */
export interface Encoded {
  readonly json: unknown;
  readonly parts: Uint8Array[];
  /** JSON says it all: the other side need not decode it. */
  readonly plain: boolean;
}

/** Where what is beside the JSON goes. */
interface Target {
  readonly parts: Uint8Array[];
  /** Strings of so many UTF-16 units go there too. */
  readonly longText: number;
}

const noParts: Uint8Array[] = [];
/** From here on the quotes and escapes of JSON cost more than a part. */
const longTextMin = 16 * 1024;
/** What is longer in UTF-8 than a string may be cannot be read as one. */
const longTextMax = 2 ** 27;
/** A little below what a frame can carry. */
const messageBytesMax = 2 ** 31 - 2 ** 16;
/** Text is part of a frame's header. */
const textBytesMax = headerBytesMax - 2 ** 16;
/** Deeper values take the careful way, which sees cycles. */
const plainDepth = 32;
/** V8's words. What a value's own getter throws is not to be taken for it. */
const stackExceeded = "Maximum call stack size exceeded";

const viewTypes = {
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigUint64Array,
  BigInt64Array,
} as const;

type ViewType = keyof typeof viewTypes;

/** Throws `NOT_SERIALIZABLE`, naming the place, for what would arrive as something else. */
export function encodeValue(value: unknown): Encoded {
  if (isPlain(value, plainDepth, Infinity)) return { json: value, parts: noParts, plain: true };
  const to = target(false);
  return { json: encodeWhole(value, "value", to), parts: to.parts, plain: false };
}

/** `Encoded`, with the JSON as text. */
export interface EncodedText {
  readonly text: string;
  readonly parts: readonly Uint8Array[];
  readonly plain: boolean;
}

/** `encodeValue` as text, quick for what JSON can say. `texts`: with long strings as parts. */
export function encodeText(value: unknown, texts = false): EncodedText {
  const text = plainText(value, texts ? longTextMin : Infinity);
  if (text === undefined) return encodeCarefully(value, target(texts));
  return { text, parts: noParts, plain: true };
}

/** `encodeText` of a call's arguments. */
export function encodeArguments(args: readonly unknown[], texts = false): EncodedText {
  let list = "";
  const longText = texts ? longTextMin : Infinity;
  for (const arg of args) {
    const text = plainText(arg, longText);
    if (text === undefined) return encodeListCarefully(args, target(texts));
    list += list === "" ? text : `,${text}`;
  }
  return { text: `[${list}]`, parts: noParts, plain: true };
}

/** The value's JSON; undefined where JSON alone would lose something. */
function plainText(value: unknown, longText: number): string | undefined {
  switch (typeof value) {
    case "string":
      return value.length < longText ? JSON.stringify(value) : undefined;
    case "number":
    case "boolean":
      return isPlain(value, 0, longText) ? String(value) : undefined;
    default:
      return isPlain(value, plainDepth, longText) ? JSON.stringify(value) : undefined;
  }
}

function target(texts: boolean): Target {
  return { parts: [], longText: texts ? longTextMin : Infinity };
}

function encodeCarefully(value: unknown, to: Target): EncodedText {
  const text = JSON.stringify(encodeWhole(value, "value", to));
  return { text, parts: to.parts, plain: false };
}

function encodeListCarefully(list: readonly unknown[], to: Target): EncodedText {
  const json = Array.from(list, (item, index) => encodeWhole(item, `value[${index}]`, to));
  return { text: JSON.stringify(json), parts: to.parts, plain: false };
}

/** Throws `NOT_SERIALIZABLE` for a value that no frame can carry. `text` is its JSON. */
export function checkSize(what: string, text: string, parts: readonly Uint8Array[]): void {
  // No character has more than three bytes.
  let bytes = text.length * 3 > textBytesMax ? Buffer.byteLength(text) : text.length;
  if (bytes > textBytesMax)
    throw new CofferdamError(
      "NOT_SERIALIZABLE",
      `${what} has ${bytes} bytes of text, and at most ${textBytesMax} can be sent at once; send it in pieces, as a Buffer, or the name of a file`,
    );
  bytes += partBytes(parts);
  if (bytes <= messageBytesMax) return;
  throw new CofferdamError(
    "NOT_SERIALIZABLE",
    `${what} has ${bytes} bytes, and at most ${messageBytesMax} can be sent at once; send it in pieces, or the name of a file`,
  );
}

/** Of all parts together. */
export function partBytes(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

/** Whether JSON carries the value without loss, and no string in it is long. */
function isPlain(value: unknown, depth: number, longText: number): boolean {
  switch (typeof value) {
    case "string":
      return value.length < longText;
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && (value !== 0 || !Object.is(value, -0));
    case "object":
      return value === null || (depth > 0 && isPlainObject(value, depth - 1, longText));
    default:
      return false;
  }
}

function isPlainObject(value: object, depth: number, longText: number): boolean {
  if (Array.isArray(value)) {
    // Not `every`: that leaves holes out, and they are not plain.
    for (const item of value) if (!isPlain(item, depth, longText)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key of Object.keys(value)) {
    if (key === "$" || key === "__proto__" || key === "toJSON") return false;
    if (!isPlain((value as Record<string, unknown>)[key], depth, longText)) return false;
  }
  return true;
}

/** `encode`, which calls itself for what is inside, and so takes only so many levels. */
function encodeWhole(value: unknown, path: string, to: Target): unknown {
  try {
    return encode(value, path, to, []);
  } catch (error) {
    // JSON.stringify takes more levels, so nothing fails there.
    if (error instanceof RangeError && error.message === stackExceeded)
      throw unserializable(path, "nested too deeply");
    throw error;
  }
}

function encode(value: unknown, path: string, to: Target, above: object[]): unknown {
  switch (typeof value) {
    case "string":
      if (value.length < to.longText || value.length > longTextMax) return value;
      // What UTF-8 cannot say, JSON can.
      return value.isWellFormed() ? encodeBytes(Buffer.from(value), "string", to) : value;
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $: "number", v: Object.is(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { $: "bigint", v: String(value) };
    case "undefined":
      return { $: "undefined" };
    case "object":
      return value === null ? null : encodeObject(value, path, to, above);
    default:
      throw unserializable(path, `a ${typeof value}`);
  }
}

function encodeObject(value: object, path: string, to: Target, above: object[]): unknown {
  if (above.includes(value)) throw unserializable(path, "a cycle");
  if (ArrayBuffer.isView(value)) return encodeView(value, path, to);
  if (value instanceof ArrayBuffer) return encodeBytes(new Uint8Array(value), "ArrayBuffer", to);
  const inside = [...above, value];
  if (Array.isArray(value))
    // Not `map`: that leaves holes out, and they would arrive as null.
    return Array.from(value, (item, index) => encode(item, `${path}[${index}]`, to, inside));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw unserializable(path, `a ${typeName(value)}`);
  const entries = Object.entries(value).map(
    ([key, item]) => [key, encode(item, `${path}.${key}`, to, inside)] as const,
  );
  // Own keys alone, so that a key `__proto__` stays a key.
  const object: unknown = Object.fromEntries(entries);
  return "$" in value ? { $: "object", v: object } : object;
}

function encodeView(view: ArrayBufferView, path: string, to: Target): unknown {
  const name = Buffer.isBuffer(view) ? "Uint8Array" : view.constructor.name;
  if (!(name in viewTypes)) throw unserializable(path, `a ${name}`);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return encodeBytes(bytes, name, to, shapeOf(view));
}

function encodeBytes(
  bytes: Uint8Array,
  type: string,
  to: Target,
  shape?: readonly number[],
): unknown {
  to.parts.push(bytes);
  return { $: "part", i: to.parts.length - 1, type, ...(shape === undefined ? {} : { shape }) };
}

/** A generator's constructor has no name. */
function typeName(value: object): string {
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  if (typeof name === "string" && name !== "") return name;
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function unserializable(path: string, what: string): CofferdamError {
  return new CofferdamError(
    "NOT_SERIALIZABLE",
    `${path} is ${what}, which cannot be sent to another process; send plain objects, arrays, strings, numbers or binary arrays`,
  );
}

/** An array or a plain object. */
type Container = Record<PropertyKey, unknown>;

/** The reverse of `encodeValue`. Throws on what that never makes. */
export function decodeValue(json: unknown, parts: readonly Uint8Array[]): unknown {
  const copies: Container[] = [];
  const value = decodeOuter(json, parts, copies);
  // A loop: what arrives may be nested more deeply than functions can call each other.
  for (let copy = copies.pop(); copy; copy = copies.pop())
    for (const key of Array.isArray(copy) ? copy.keys() : Object.keys(copy)) {
      const item = copy[key];
      // Sets an own key always, so that a key `__proto__` stays a key.
      if (typeof item === "object") copy[key] = decodeOuter(item, parts, copies);
    }
  return value;
}

/** The value without what is inside it: that is still encoded in its copy, which is noted. */
function decodeOuter(json: unknown, parts: readonly Uint8Array[], copies: Container[]): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Object.hasOwn(json, "$") && !Array.isArray(json))
    return decodeSpecial(json as Container, parts, copies);
  const copy: object = Array.isArray(json) ? [...(json as unknown[])] : { ...json };
  copies.push(copy as Container);
  return copy;
}

function decodeSpecial(
  record: Container,
  parts: readonly Uint8Array[],
  copies: Container[],
): unknown {
  const { v } = record;
  switch (record["$"]) {
    case "undefined":
      return undefined;
    case "number":
      return Number(v);
    case "bigint":
      return BigInt(String(v));
    case "object": {
      const copy: Container = Object.fromEntries(Object.entries(v as object));
      copies.push(copy);
      return copy;
    }
    case "part":
      return decodePart(parts[Number(record["i"])], String(record["type"]), record["shape"]);
    default:
      throw new TypeError("an unknown kind of value");
  }
}

function decodePart(part: Uint8Array | undefined, type: string, shape: unknown): unknown {
  if (!part) throw new TypeError("a binary part is missing");
  if (type === "string")
    return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString();
  // A copy, aligned for wide elements, unless the part has memory of its own.
  const own = part.byteLength === part.buffer.byteLength;
  const bytes = own ? (part as Uint8Array<ArrayBuffer>) : new Uint8Array(part);
  if (type === "ArrayBuffer") return bytes.buffer;
  if (!Object.hasOwn(viewTypes, type)) throw new TypeError("an unknown kind of binary part");
  const view = new viewTypes[type as ViewType](bytes.buffer);
  return shape === undefined ? view : withShape(view, shape as number[]);
}
