import type { LeaseHolder } from "../scope/index.ts";

/** What tasks in workers hold, by the number that the worker has given it. */
export class Held<Value> {
  readonly #holders = new Map<LeaseHolder, Map<number, Value>>();

  set(holder: LeaseHolder, number: number, value: Value): void {
    const values = this.#holders.get(holder);
    if (values) values.set(number, value);
    else this.#holders.set(holder, new Map([[number, value]]));
  }

  get(holder: LeaseHolder, number: number): Value | undefined {
    return this.#holders.get(holder)?.get(number);
  }

  take(holder: LeaseHolder, number: number): Value | undefined {
    const values = this.#holders.get(holder);
    const value = values?.get(number);
    values?.delete(number);
    if (values?.size === 0) this.#holders.delete(holder);
    return value;
  }

  takeAll(holder: LeaseHolder): Value[] {
    const values = this.#holders.get(holder);
    this.#holders.delete(holder);
    return values ? [...values.values()] : [];
  }
}
