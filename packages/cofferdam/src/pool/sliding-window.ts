/**
 * Values by position, of which only those from the first untaken one on are kept. Unlike a `Map`
 * it leaves no garbage: a `Map` whose keys come and go makes a new table every few hundred, and
 * each dead table keeps the next one alive until a full collection.
 */
export class SlidingWindow<Value extends object> {
  #slots = new Array<Value | undefined>(64).fill(undefined);
  #first = 0;

  /** No earlier position than the first. */
  set(position: number, value: Value): void {
    while (position - this.#first >= this.#slots.length) this.#grow();
    this.#slots[position % this.#slots.length] = value;
  }

  /** What lies at the first position, if it is there; the next position is the first then. */
  shift(): Value | undefined {
    const slot = this.#first % this.#slots.length;
    const value = this.#slots[slot];
    if (value === undefined) return undefined;
    this.#slots[slot] = undefined;
    this.#first++;
    return value;
  }

  #grow(): void {
    const { length } = this.#slots;
    const larger = new Array<Value | undefined>(length * 2).fill(undefined);
    for (let position = this.#first; position < this.#first + length; position++)
      larger[position % larger.length] = this.#slots[position % length];
    this.#slots = larger;
  }
}
