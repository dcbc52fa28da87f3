/** What counts units of a permit: what it asked for, or units that were used above that. */
export interface Part {
  readonly units: number;
}

/**
 * What each part of a permit counts when its call has used so many units in all; the first is what
 * was asked for. What is less goes off the last ones, what is more comes as another part.
 */
export function spreadUnits(parts: readonly Part[], units: number): number[] {
  let left = units;
  const shares = parts.map((part) => {
    const share = Math.min(left, part.units);
    left -= share;
    return share;
  });
  return left > 0 ? [...shares, left] : shares;
}

/** A part that has a row of its own. */
export interface PartRow extends Part {
  readonly id: number;
}

/** The rows of each permit that a process holds, its own first: as the file has them. */
export class PartRows {
  readonly #rows = new Map<number, readonly PartRow[]>();
  /** What they were when the transaction began. */
  readonly #before = new Map<number, readonly PartRow[] | undefined>();

  begin(): void {
    this.#before.clear();
  }

  /** The transaction was undone. */
  undo(): void {
    for (const [permit, rows] of this.#before) this.#put(permit, rows);
  }

  get(permit: number): readonly PartRow[] | undefined {
    return this.#rows.get(permit);
  }

  /** Undefined: the permit is no longer held. */
  set(permit: number, rows: readonly PartRow[] | undefined): void {
    if (!this.#before.has(permit)) this.#before.set(permit, this.#rows.get(permit));
    this.#put(permit, rows);
  }

  #put(permit: number, rows: readonly PartRow[] | undefined): void {
    if (rows) this.#rows.set(permit, rows);
    else this.#rows.delete(permit);
  }
}
