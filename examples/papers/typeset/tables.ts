import type PDFDocument from "pdfkit";
import { drawLine } from "./draw.ts";
import type { SetLine } from "./lines.ts";
import { setParagraph } from "./lines.ts";
import type { PaperStyle } from "./style.ts";
import type { Measure } from "./words.ts";
import { toWord } from "./words.ts";

type Pdf = InstanceType<typeof PDFDocument>;

const PADDING = 7;

export interface SetTable {
  readonly height: number;
  draw(pdf: Pdf, x: number, y: number): void;
}

/** Sets a table as wide as its cells need, or as the column if they need more. */
export function setTable(
  rows: readonly (readonly string[])[],
  width: number,
  style: PaperStyle,
  measure: Measure,
): SetTable {
  const size = 0.92 * style.size;
  const widths = columnWidths(rows, width, size, style, measure);
  const leading = 1.2 * size;
  const set = rows.map((row, index) =>
    row.map((cell, column) => {
      const font = index === 0 ? style.family.bold : style.family.regular;
      const paragraph = {
        font,
        size,
        eastAsian: style.eastAsian,
        alignment: "ragged",
        hyphenate: false,
        firstIndent: 0,
        indent: 0,
      } as const;
      return setParagraph(cell, widths[column] ?? 40, paragraph, measure);
    }),
  );
  const heights = set.map(
    (row) => Math.max(...row.map((cell) => cell.length)) * leading + 0.45 * size,
  );
  const height = heights.reduce((sum, value) => sum + value, 0) + 4;
  return {
    height,
    draw: (pdf, x, y) => {
      const whole = widths.reduce((sum, value) => sum + value + 2 * PADDING, 0);
      let top = y;
      if (style.rules) rule(pdf, x, top, whole);
      for (const [index, row] of set.entries()) {
        drawRow(pdf, row, widths, x, top, size, leading);
        top += heights[index] ?? 0;
        if (style.rules && (index === 0 || index === set.length - 1)) rule(pdf, x, top, whole);
      }
    },
  };
}

function columnWidths(
  rows: readonly (readonly string[])[],
  width: number,
  size: number,
  style: PaperStyle,
  measure: Measure,
): number[] {
  const columns = rows[0]?.length ?? 1;
  const natural = Array.from({ length: columns }, (_, column) =>
    Math.max(
      ...rows.map((row, index) => {
        const font = index === 0 ? style.family.bold : style.family.regular;
        return (
          toWord(row[column] ?? "", false, { font, size, eastAsian: style.eastAsian }, measure)
            .width + 1
        );
      }),
    ),
  );
  const room = width - columns * 2 * PADDING;
  const wanted = natural.reduce((sum, value) => sum + value, 0);
  if (wanted <= room) return natural;
  // Narrow columns keep their width; the wide ones share what is left.
  const fair = room / columns;
  const narrow = natural.filter((value) => value <= fair);
  const left = room - narrow.reduce((sum, value) => sum + value, 0);
  const wide = natural.filter((value) => value > fair).reduce((sum, value) => sum + value, 0);
  return natural.map((value) => (value <= fair ? value : (value / wide) * left));
}

function drawRow(
  pdf: Pdf,
  row: readonly (readonly SetLine[])[],
  widths: readonly number[],
  x: number,
  top: number,
  size: number,
  leading: number,
): void {
  let left = x + PADDING;
  for (const [column, lines] of row.entries()) {
    for (const [index, line] of lines.entries())
      drawLine(pdf, line, left, top + 0.2 * size + size + index * leading, size);
    left += (widths[column] ?? 0) + 2 * PADDING;
  }
}

function rule(pdf: Pdf, x: number, y: number, width: number): void {
  pdf
    .lineWidth(0.6)
    .moveTo(x, y)
    .lineTo(x + width, y)
    .stroke();
}
