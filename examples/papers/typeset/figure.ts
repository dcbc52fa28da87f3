import type PDFDocument from "pdfkit";

type Pdf = InstanceType<typeof PDFDocument>;

/** The height a figure takes, with the space under it, in points. */
export const FIGURE_HEIGHT = 112;

/** Draws a plot without words: two axes and a curve that differs from figure to figure. */
export function drawFigure(
  pdf: Pdf,
  x: number,
  y: number,
  columnWidth: number,
  number: number,
): void {
  const width = Math.min(columnWidth - 20, 260);
  const left = x + (columnWidth - width) / 2;
  const bottom = y + FIGURE_HEIGHT - 14;
  pdf
    .lineWidth(0.8)
    .moveTo(left, y + 6)
    .lineTo(left, bottom)
    .lineTo(left + width, bottom)
    .stroke();
  for (let tick = 1; tick <= 6; tick += 1) {
    pdf
      .lineWidth(0.4)
      .moveTo(left + (tick * width) / 6, bottom)
      .lineTo(left + (tick * width) / 6, bottom - 4)
      .stroke();
  }
  const height = bottom - y - 16;
  const valueAt = (part: number): number =>
    number % 2 === 1
      ? 0.5 + 0.42 * Math.sin(2 * Math.PI * (1.5 + number / 2) * part) * (1 - 0.4 * part)
      : 0.08 + 0.84 * (1 - Math.exp(-(2 + number) * part));
  pdf.lineWidth(1.1).moveTo(left, bottom - height * valueAt(0));
  for (let step = 1; step <= 60; step += 1)
    pdf.lineTo(left + (step / 60) * width, bottom - height * valueAt(step / 60));
  pdf.stroke();
}
