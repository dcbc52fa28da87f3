import type PDFDocument from "pdfkit";
import type { SetLine } from "./lines.ts";
import { drawLine } from "./draw.ts";
import type { PaperStyle } from "./style.ts";

type Pdf = InstanceType<typeof PDFDocument>;

/** A footnote set in lines, waiting for the foot of its column. */
export interface SetNote {
  readonly lines: readonly SetLine[];
  readonly size: number;
}

const RULE_SPACE = 9;

/** Fills columns and pages from top to bottom, and keeps room for the notes at each foot. */
export class Flow {
  readonly #pdf: Pdf;
  readonly #style: PaperStyle;
  readonly #onPage: (page: number) => void;
  #page = 0;
  #column = 0;
  #columns: 1 | 2 = 1;
  #top = 0;
  #y = 0;
  #notes: SetNote[] = [];

  constructor(pdf: Pdf, style: PaperStyle, onPage: (page: number) => void) {
    this.#pdf = pdf;
    this.#style = style;
    this.#onPage = onPage;
    this.#newPage();
  }

  get columnWidth(): number {
    const whole = this.#style.page[0] - 2 * this.#style.margins.side;
    return this.#columns === 1 ? whole : (whole - this.#style.gutter) / 2;
  }

  get x(): number {
    return this.#style.margins.side + this.#column * (this.columnWidth + this.#style.gutter);
  }

  get y(): number {
    return this.#y;
  }

  get atTop(): boolean {
    return this.#y <= this.#top;
  }

  /** Below what is set so far, goes on in this many columns. */
  setColumns(columns: 1 | 2): void {
    this.#columns = columns;
    this.#top = this.#y;
    this.#column = 0;
  }

  space(height: number): void {
    if (!this.atTop) this.#y += height;
  }

  /** Makes sure that this much height is left, in the next column or page if need be. */
  need(height: number): void {
    if (this.#y + height > this.#bottom() && !this.atTop) this.#next();
  }

  /** Draws lines, moving on where a column is full; notes go to the foot of their line's column. */
  lines(
    lines: readonly SetLine[],
    size: number,
    leading: number,
    notesOf: (line: SetLine) => readonly SetNote[],
  ): void {
    for (const line of lines) {
      const notes = notesOf(line);
      const extra =
        notes.reduce((sum, note) => sum + heightOf(note), 0) +
        (this.#notes.length === 0 && notes.length > 0 ? RULE_SPACE : 0);
      if (this.#y + leading + extra > this.#bottom() && !this.atTop) this.#next();
      drawLine(this.#pdf, line, this.x, this.#y + size, size);
      this.#y += leading;
      this.#notes.push(...notes);
    }
  }

  /** Moves down past something drawn by hand. */
  advance(height: number): void {
    this.#y += height;
  }

  finish(): void {
    this.#drawNotes();
  }

  #bottom(): number {
    const notes = this.#notes.reduce((sum, note) => sum + heightOf(note), 0);
    return this.#style.page[1] - this.#style.margins.bottom - notes - (notes > 0 ? RULE_SPACE : 0);
  }

  #next(): void {
    this.#drawNotes();
    if (this.#column + 1 < this.#columns) {
      this.#column += 1;
      this.#y = this.#top;
    } else {
      this.#newPage();
    }
  }

  #newPage(): void {
    this.#pdf.addPage({ size: [...this.#style.page], margin: 0 });
    this.#page += 1;
    this.#column = 0;
    this.#y = this.#style.margins.top;
    this.#top = this.#y;
    this.#onPage(this.#page);
  }

  #drawNotes(): void {
    let y = this.#bottom();
    if (this.#notes.length > 0) {
      this.#pdf
        .lineWidth(0.4)
        .moveTo(this.x, y + 3)
        .lineTo(this.x + 60, y + 3)
        .stroke();
      y += RULE_SPACE;
    }
    for (const note of this.#notes) {
      for (const line of note.lines) {
        drawLine(this.#pdf, line, this.x, y + note.size, note.size);
        y += 1.2 * note.size;
      }
    }
    this.#notes = [];
  }
}

function heightOf(note: SetNote): number {
  return note.lines.length * 1.2 * note.size;
}
