import type PDFDocument from "pdfkit";
import { put } from "./draw.ts";
import { drawFigure, FIGURE_HEIGHT } from "./figure.ts";
import type { Flow, SetNote } from "./flow.ts";
import { MONO } from "./fonts.ts";
import type { ParagraphStyle, SetLine } from "./lines.ts";
import { setParagraph } from "./lines.ts";
import type { Part } from "./parse.ts";
import type { PaperStyle } from "./style.ts";
import { setTable } from "./tables.ts";
import type { Measure } from "./words.ts";

type Pdf = InstanceType<typeof PDFDocument>;

/** Sets a manuscript's parts, one after the other, into a flow of columns. */
export class Setter {
  readonly #pdf: Pdf;
  readonly #flow: Flow;
  readonly #style: PaperStyle;
  readonly #notes: ReadonlyMap<string, string>;
  readonly #measure: Measure;
  #figures = 0;

  constructor(
    pdf: Pdf,
    flow: Flow,
    style: PaperStyle,
    notes: ReadonlyMap<string, string>,
    measure: Measure,
  ) {
    this.#pdf = pdf;
    this.#flow = flow;
    this.#style = style;
    this.#notes = notes;
    this.#measure = measure;
  }

  set(parts: readonly Part[]): void {
    const front = parts.findIndex((part, index) => index > 0 && part.kind === "heading");
    for (const [index, part] of parts.entries()) {
      if (index === front) {
        this.#flow.space(this.#style.size);
        this.#flow.setColumns(this.#style.columns);
      }
      const inFront = index < front && parts[0]?.kind === "heading";
      this.#part(part, parts[index - 1], parts[index + 1], inFront);
    }
  }

  #part(part: Part, before: Part | undefined, after: Part | undefined, inFront: boolean): void {
    const { size, leading, paragraphs } = this.#style;
    switch (part.kind) {
      case "heading": {
        this.#heading(part.level, part.text, after);
        return;
      }
      case "paragraph":
        if (inFront && this.#style.title === "centred") {
          this.#byline(part.text);
          return;
        }
        if (/^(?:Figure|Table) \d+\. /u.test(part.text)) {
          this.#caption(part.text);
          return;
        }
        if (paragraphs === "spaced" && before?.kind !== "heading") this.#flow.space(0.55 * size);
        if (before?.kind === "table" || before?.kind === "code") this.#flow.space(0.7 * size);
        {
          this.#text(part.text, {
            firstIndent: paragraphs === "indented" && before?.kind === "paragraph" ? 1.4 * size : 0,
          });
          return;
        }
      case "item": {
        this.#item(part, before);
        return;
      }
      case "table": {
        const table = setTable(part.rows, this.#flow.columnWidth, this.#style, this.#measure);
        this.#flow.space(0.5 * size);
        this.#flow.need(table.height);
        table.draw(this.#pdf, this.#flow.x, this.#flow.y);
        this.#flow.advance(table.height + 0.4 * size);
        return;
      }
      case "code":
        this.#flow.space(0.5 * size);
        for (const line of part.lines) {
          this.#flow.need(leading * size);
          put(this.#pdf, line, MONO, 0.82 * size, this.#flow.x + 8, this.#flow.y + size);
          this.#flow.advance(1.1 * size);
        }
        {
          this.#flow.space(0.3 * size);
          return;
        }
    }
  }

  #heading(level: number, text: string, after: Part | undefined): void {
    const style = this.#style;
    const size = style.headingSizes[level - 1] ?? style.size;
    const isTitle = level === 1;
    const beforeTable = after?.kind === "paragraph" && after.text.startsWith("Table ");
    if (style.breakBefore?.test(text) === true) this.#flow.need(Infinity);
    const lines = setParagraph(
      text,
      this.#flow.columnWidth,
      {
        ...this.#paragraph(),
        font: style.headings.bold,
        size,
        alignment: isTitle && style.title === "centred" ? "centred" : "ragged",
        hyphenate: false,
      },
      this.#measure,
    );
    const height = 1.2 * size;
    this.#flow.space(isTitle ? 1.2 * size : 1.05 * size);
    this.#flow.need(lines.length * height + (beforeTable ? 110 : 3 * style.leading * style.size));
    this.#flow.lines(lines, size, height, () => []);
    this.#flow.advance(isTitle ? 0.6 * size : 0.35 * size);
  }

  #byline(text: string): void {
    this.#text(text, { alignment: "centred", font: this.#style.family.italic, hyphenate: false });
    this.#flow.advance(0.6 * this.#style.size);
  }

  #caption(text: string): void {
    const size = 0.88 * this.#style.size;
    const style = { ...this.#paragraph(), size, alignment: "ragged", hyphenate: false } as const;
    const lines = setParagraph(text, this.#flow.columnWidth - 12, style, this.#measure);
    const isFigure = text.startsWith("Figure");
    this.#flow.space(0.8 * size);
    this.#flow.need(lines.length * 1.2 * size + (isFigure ? FIGURE_HEIGHT : 60));
    if (isFigure) {
      drawFigure(
        this.#pdf,
        this.#flow.x,
        this.#flow.y,
        this.#flow.columnWidth,
        (this.#figures += 1),
      );
      this.#flow.advance(FIGURE_HEIGHT);
    }
    this.#flow.lines(lines, size, 1.2 * size, () => []);
    this.#flow.space(0.8 * size);
  }

  #item(part: Extract<Part, { kind: "item" }>, before: Part | undefined): void {
    const { size, bullet } = this.#style;
    if (before?.kind !== "item") this.#flow.space(0.3 * size);
    const step = 1.5 * size;
    const indent = (part.depth + 1) * step;
    const sign = part.sign === "-" ? (part.depth > 0 ? "–" : bullet) : part.sign;
    const leading = this.#style.leading * size;
    this.#flow.need(leading);
    const [first, ...rest] = setParagraph(
      part.text,
      this.#flow.columnWidth,
      { ...this.#paragraph(), firstIndent: indent, indent },
      this.#measure,
    );
    if (first === undefined) return;
    // The line may move to the next column, and its sign must move with it.
    this.#flow.need(
      leading +
        this.#notesOf(first).reduce(
          (sum, note) => sum + 20 + note.lines.length * 1.2 * note.size,
          0,
        ),
    );
    this.#measure(sign, this.#style.family.regular, size);
    put(
      this.#pdf,
      sign,
      this.#style.family.regular,
      size,
      this.#flow.x + part.depth * step + 0.3 * size,
      this.#flow.y + size,
    );
    this.#flow.lines([first, ...rest], size, leading, (line) => this.#notesOf(line));
  }

  #text(text: string, changes: Partial<ParagraphStyle>): void {
    const style = { ...this.#paragraph(), ...changes };
    const lines = setParagraph(text, this.#flow.columnWidth, style, this.#measure);
    this.#flow.lines(lines, style.size, this.#style.leading * style.size, (line) =>
      this.#notesOf(line),
    );
  }

  #paragraph(): ParagraphStyle {
    const { family, size, alignment, hyphenate, eastAsian } = this.#style;
    return {
      font: family.regular,
      size,
      alignment,
      hyphenate,
      eastAsian,
      firstIndent: 0,
      indent: 0,
    };
  }

  #notesOf(line: SetLine): SetNote[] {
    const size = 0.8 * this.#style.size;
    return line.words
      .flatMap((word) => word.notes)
      .map((label) => {
        const text = `<sup>${label}</sup> ${this.#notes.get(label) ?? ""}`;
        const lines = setParagraph(
          text,
          this.#flow.columnWidth,
          { ...this.#paragraph(), size, alignment: "ragged" },
          this.#measure,
        );
        return { lines, size };
      });
  }
}
