import { CofferdamError } from "../errors/index.ts";

interface Closable {
  close(): void;
}

/** Names are files' names too. */
const nameText = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** What a scope has opened of one kind, by name, each until it is closed. */
export class Named<Value extends Closable> {
  readonly #what: string;
  readonly #values = new Map<string, Value>();
  /** Names of those that were closed: a worker that asks for one learns that, not that it never was. */
  readonly #gone = new Set<string>();
  #closed = false;

  constructor(what: string) {
    this.#what = what;
  }

  /** `onClosed` is to be called when the value is closed. Throws `INVALID_ARGUMENT`, `CLOSED`. */
  open<Opened extends Value>(name: string, make: (onClosed: () => void) => Opened): Opened {
    if (this.#closed) throw new CofferdamError("CLOSED", "the scope is closed");
    this.#check(name);
    const value = make(() => {
      if (this.#values.get(name) !== value) return; // another has its name by now
      this.#values.delete(name);
      this.#gone.add(name);
    });
    this.#values.set(name, value);
    return value;
  }

  /** Throws `INVALID_ARGUMENT`, `CLOSED`. */
  find(name: string): Value {
    const value = this.#values.get(name);
    if (value) return value;
    if (this.#closed || this.#gone.has(name))
      throw new CofferdamError("CLOSED", `the ${this.#what} ${JSON.stringify(name)} is closed`);
    const known = this.#values.size === 0 ? "none" : [...this.#values.keys()].join(", ");
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the scope has no ${this.#what} ${JSON.stringify(name)} (it has ${known}): open it with scope.${this.#what}() first`,
    );
  }

  /** Closes all. No other can be opened. */
  close(): void {
    this.#closed = true;
    for (const value of [...this.#values.values()]) value.close();
  }

  #check(name: string): void {
    if (typeof name !== "string" || !nameText.test(name))
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `${JSON.stringify(name)} is no name for a ${this.#what}: up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit`,
      );
    if (this.#values.has(name))
      throw new CofferdamError("INVALID_ARGUMENT", `the scope has a ${this.#what} ${name} already`);
  }
}
