import type PDFDocument from "pdfkit";
import { put } from "./draw.ts";
import type { PaperStyle } from "./style.ts";
import type { Measure } from "./words.ts";

type Pdf = InstanceType<typeof PDFDocument>;

/** Draws what every page carries: head, page number and, on the first, the stamp at its side. */
export function drawFurniture(pdf: Pdf, style: PaperStyle, page: number, measure: Measure): void {
  const { margins, family } = style;
  const [width, height] = style.page;
  const size = 0.85 * style.size;
  const head =
    page > 1 && style.heads.length > 0 ? style.heads[page % style.heads.length] : undefined;
  const number = style.pageNumbers === "of" ? `Page ${page}` : String(page);
  const atRight = (text: string): number =>
    width - margins.side - measure(text, family.regular, size);
  if (head !== undefined) {
    const text = style.pageNumbers === "head" && page % 2 === 0 ? `${number}    ${head}` : head;
    put(pdf, text, family.italic, size, margins.side, margins.top - 26);
    if (style.pageNumbers === "head" && page % 2 === 1)
      put(pdf, number, family.regular, size, atRight(number), margins.top - 26);
  }
  const foot = height - margins.bottom + 30;
  if (style.pageNumbers === "centre" || style.pageNumbers === "of") {
    put(
      pdf,
      number,
      family.regular,
      size,
      (width - measure(number, family.regular, size)) / 2,
      foot,
    );
  } else if (style.pageNumbers === "outer") {
    put(pdf, number, family.regular, size, page % 2 === 0 ? margins.side : atRight(number), foot);
  }
  if (style.stamp !== undefined && page === 1) {
    pdf.save().rotate(-90, { origin: [28, height - 160] });
    put(pdf, style.stamp, family.regular, 9, 28, height - 160);
    pdf.restore();
  }
}
