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

  /** Nobody else will be added, unless it was here before. */
  isAll(): void {
    this.#isAll = true;
    this.#look();
  }

  #look(): void {
    if (this.#isAll && this.#missing.size === 0) this.#whenAllSeen();
  }
}
