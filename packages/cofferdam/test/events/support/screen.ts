import { displayWidth } from "../../../src/events/index.ts";

/**
 * As much of a terminal as the renderers use, strict where a real one forgives: an escape it does not
 * know is an error. It does not re-wrap on resize (as xterm and screen do not).
 */
export class Screen {
  readonly history: string[] = [];
  cursor = { row: 0, column: 0, visible: true };
  wraps = true;
  /** How often text went on in the next row by itself. */
  wrapped = 0;
  /** How often text was lost at the right edge. */
  cut = 0;
  #columns: number;
  readonly #rows: number;
  #cells: string[][];

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#cells = Array.from({ length: rows }, () => []);
  }

  /** What is to be seen, with what has scrolled off on top. */
  get lines(): string[] {
    const visible = this.#cells.map((row) => row.join(""));
    const all = [...this.history, ...visible].map((line) => line.trimEnd());
    while (all.at(-1) === "") all.pop();
    return all;
  }

  resize(columns: number): void {
    this.#columns = columns;
    this.#cells = this.#cells.map((row) => row.slice(0, columns));
    this.cursor.column = Math.min(this.cursor.column, columns - 1);
  }

  write(text: string): void {
    // eslint-disable-next-line no-control-regex
    const pattern = /\u001b\[(\??)(\d*)([A-Za-z])|\u001b|[^\u001b]/gsu;
    for (const [whole, mark, number, final] of text.matchAll(pattern)) {
      if (final !== undefined) this.#control(`${mark ?? ""}${final}`, Number(number));
      else this.#character(whole);
    }
  }

  #control(name: string, number: number): void {
    const { row, column } = this.cursor;
    if (name === "m") return;
    if (name === "A") this.cursor.row = Math.max(0, row - Math.max(1, number));
    else if (name === "K") this.#row(row).length = Math.min(this.#row(row).length, column);
    else if (name === "J") {
      // As tmux: what is erased from the very top goes to the history.
      if (row === 0 && column === 0) this.#scrollOff();
      this.#row(row).length = Math.min(this.#row(row).length, column);
      for (let below = row + 1; below < this.#rows; below += 1) this.#row(below).length = 0;
    } else if (name === "?h" || name === "?l") this.#mode(number, name === "?h");
    else throw new Error(`unknown control sequence ${name}`);
  }

  #mode(number: number, on: boolean): void {
    if (number === 25) this.cursor.visible = on;
    else if (number === 7) this.wraps = on;
    else if (number !== 2026) throw new Error(`unknown mode ${number}`);
  }

  #character(character: string): void {
    if (character === "\r") this.cursor.column = 0;
    else if (character === "\n") this.#lineFeed();
    else if (/\p{Cc}/u.test(character)) throw new Error(`control ${JSON.stringify(character)}`);
    else this.#print(character, displayWidth(character));
  }

  #print(character: string, width: number): void {
    const row = this.#row(this.cursor.row);
    if (width === 0) {
      const last = this.cursor.column - 1;
      row[last] = (row[last] ?? "") + character;
      return;
    }
    if (this.cursor.column + width > this.#columns) {
      if (this.wraps) {
        this.wrapped += 1;
        this.cursor.column = 0;
        this.#lineFeed();
        this.#print(character, width);
        return;
      }
      this.cut += 1;
      this.cursor.column = this.#columns - width;
    }
    while (row.length < this.cursor.column) row.push(" ");
    row[this.cursor.column] = character;
    if (width === 2) row[this.cursor.column + 1] = "";
    this.cursor.column += width;
  }

  #lineFeed(): void {
    if (this.cursor.row < this.#rows - 1) {
      this.cursor.row += 1;
      return;
    }
    const top = this.#cells.shift() ?? [];
    this.history.push(top.join(""));
    this.#cells.push([]);
  }

  #scrollOff(): void {
    const rows = this.#cells.map((cells) => cells.join(""));
    while (rows.at(-1) === "") rows.pop();
    this.history.push(...rows);
  }

  #row(index: number): string[] {
    const row = this.#cells[index];
    if (!row) throw new RangeError(`no row ${index}`);
    return row;
  }
}
