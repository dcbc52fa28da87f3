/** A set of listeners that each take some of the calls of `Events`. */
export class Listeners<Events extends object> {
  readonly #all = new Set<Partial<Events>>();

  /** Returns what removes it again. */
  add(listener: Partial<Events>): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  call<Name extends keyof Events>(
    name: Name,
    ...values: Events[Name] extends (...values: infer Values) => void ? Values : never
  ): void {
    for (const listener of this.#all) {
      const method = listener[name] as ((...given: typeof values) => void) | undefined;
      method?.(...values);
    }
  }
}
