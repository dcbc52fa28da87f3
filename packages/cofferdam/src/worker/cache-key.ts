import { hash } from "node:crypto";
import { CofferdamError } from "../errors/index.ts";

/**
 * Everything that shapes a value: a string, a number, an object of such… Two keys are the same when
 * their contents are, in whatever order an object's properties were set.
 */
export type CacheKey = unknown;

/**
 * 32 bytes that stand for a key: SHA-256 of the version and of the key in one canonical form, which
 * any language can make (`docs/reference/services.md`). Throws `INVALID_ARGUMENT`, naming the place,
 * for what has no such form.
 */
export function hashKey(version: string, key: CacheKey): Buffer {
  return hashOfName(nameKey(version, key));
}

/** The same bytes as a text of 32 characters, which a `Map` finds. */
export function nameKey(version: string, key: CacheKey): string {
  const writer = new CanonicalWriter();
  writer.write(version, "version", []);
  writer.write(key, "key", []);
  return hash("sha256", writer.bytes(), "binary");
}

export function hashOfName(name: string): Buffer {
  return Buffer.from(name, "latin1");
}

/** Tags are one ASCII character; lengths are u32, numbers f64, little-endian. */
class CanonicalWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  write(value: unknown, path: string, above: readonly object[]): void {
    switch (typeof value) {
      case "string":
        this.#tag("s");
        this.#text(value, path);
        return;
      case "number":
        if (!Number.isFinite(value)) throw refuseKey(path, String(value));
        this.#room(9);
        this.#tag("n");
        this.#length = this.#bytes.writeDoubleLE(value === 0 ? 0 : value, this.#length); // -0 too
        return;
      case "boolean":
        this.#tag(value ? "t" : "f");
        return;
      case "bigint":
        this.#tag("i");
        this.#text(String(value), path);
        return;
      case "object":
        if (value === null) this.#tag("z");
        else this.#object(value, path, above);
        return;
      default:
        throw refuseKey(path, value === undefined ? "undefined" : `a ${typeof value}`);
    }
  }

  #object(value: object, path: string, above: readonly object[]): void {
    if (above.includes(value)) throw refuseKey(path, "part of a cycle");
    const inside = [...above, value];
    if (ArrayBuffer.isView(value)) {
      this.#binary(value, path);
    } else if (Array.isArray(value)) {
      this.#tag("a");
      this.#count(value.length);
      for (let index = 0; index < value.length; index++)
        this.write(value[index], `${path}[${index}]`, inside);
    } else {
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null)
        throw refuseKey(path, `a ${value.constructor.name}`);
      this.#properties(value as Readonly<Record<string, unknown>>, path, inside);
    }
  }

  #properties(
    value: Readonly<Record<string, unknown>>,
    path: string,
    inside: readonly object[],
  ): void {
    // A property that is undefined is one that is not there.
    const names = Object.keys(value).filter((name) => value[name] !== undefined);
    this.#tag("o");
    this.#count(names.length);
    for (const name of names.sort(byCodePoints)) {
      this.#text(name, path);
      this.write(value[name], `${path}.${name}`, inside);
    }
  }

  #binary(view: ArrayBufferView, path: string): void {
    if (view instanceof DataView) throw refuseKey(path, "a DataView");
    this.#tag("b");
    this.#text(Buffer.isBuffer(view) ? "Uint8Array" : view.constructor.name, path);
    this.#count(view.byteLength);
    this.#room(view.byteLength);
    this.#bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), this.#length);
    this.#length += view.byteLength;
  }

  #text(text: string, path: string): void {
    if (!text.isWellFormed()) throw refuseKey(path, "text with half a character");
    this.#room(4 + text.length * 3); // the most that UTF-8 takes for UTF-16
    const length = this.#bytes.write(text, this.#length + 4);
    this.#bytes.writeUInt32LE(length, this.#length);
    this.#length += 4 + length;
  }

  #tag(tag: string): void {
    this.#room(1);
    this.#length = this.#bytes.writeUInt8(tag.charCodeAt(0), this.#length);
  }

  #count(count: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32LE(count, this.#length);
  }

  #room(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(wanted, this.#bytes.length * 2));
    larger.set(this.bytes());
    this.#bytes = larger;
  }
}

/** As bytes of UTF-8 sort. UTF-16 differs where one name has a character beyond U+FFFF. */
function byCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [left = 0, right = 0] = [a.codePointAt(at), b.codePointAt(at)];
    if (left !== right) return left - right;
  }
  return a.length - b.length;
}

function refuseKey(path: string, what: string): CofferdamError {
  return new CofferdamError(
    "INVALID_ARGUMENT",
    `${path} is ${what}, which cannot be part of a cache's key: give plain objects, arrays, text, finite numbers, booleans, null or binary arrays`,
  );
}
