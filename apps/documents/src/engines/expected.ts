/**
 * Who may still bring a document to an engine. When all have been seen, an engine that gathers
 * documents is told that none follow.
 */
export class Expected<Key> {
  readonly #missing = new Set<Key>();
  readonly #whenAllSeen: () => void;
  #isAll = false;

  constructor(whenAllSeen: () => void) {
    this.#whenAllSeen = whenAllSeen;
  }

  add(key: Key): void {
    this.#missing.add(key);
  }

  /** It has brought its document, or will not. It may be called again for the same. */
  seen(key: Key): void {
    this.#missing.delete(key);
    this.#look();
  }

  /** Nobody else will be added, for the time being. */
  isAll(): void {
    this.#isAll = true;
    this.#look();
  }

  /** Others may be added after all. */
  isNotAll(): void {
    this.#isAll = false;
  }

  #look(): void {
    if (this.#isAll && this.#missing.size === 0) this.#whenAllSeen();
  }
}
