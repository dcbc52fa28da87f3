/**
 * Who waits, in turns: one of each group after the other, and within a group in the order in which
 * they came. Nobody overtakes: what is first stays first until it is taken or removed, so what needs
 * much is not starved by what needs little.
 */
export class FairQueue<Group, Item> {
  /** In the order of their turns; a group is here as long as it has somebody waiting. */
  readonly #groups = new Map<Group, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(group: Group, item: Item): void {
    const waiting = this.#groups.get(group);
    if (waiting) waiting.add(item);
    else this.#groups.set(group, new Set([item]));
    this.#size++;
  }

  first(): Item | undefined {
    for (const waiting of this.#groups.values()) for (const item of waiting) return item;
    return undefined;
  }

  /** Removes the first; its group's next turn comes after all others'. */
  take(): Item | undefined {
    for (const [group, waiting] of this.#groups)
      for (const item of waiting) {
        this.remove(group, item);
        if (waiting.size > 0) {
          this.#groups.delete(group);
          this.#groups.set(group, waiting);
        }
        return item;
      }
    return undefined;
  }

  remove(group: Group, item: Item): boolean {
    const waiting = this.#groups.get(group);
    if (!waiting?.delete(item)) return false;
    this.#size--;
    if (waiting.size === 0) this.#groups.delete(group);
    return true;
  }

  *[Symbol.iterator](): Generator<Item> {
    for (const waiting of this.#groups.values()) yield* waiting;
  }
}
