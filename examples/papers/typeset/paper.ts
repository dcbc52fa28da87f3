import PDFDocument from "pdfkit";
import { Flow } from "./flow.ts";
import type { FontName } from "./fonts.ts";
import { fontFile } from "./fonts.ts";
import type { Manuscript } from "./parse.ts";
import { drawFurniture } from "./furniture.ts";
import { Setter } from "./setter.ts";
import type { PaperStyle } from "./style.ts";
import type { Measure } from "./words.ts";

/** The one date all papers carry, so that making them again gives the same bytes. */
const DATE = new Date("2025-01-01T00:00:00Z");

type Pdf = InstanceType<typeof PDFDocument>;

/** Sets a manuscript in a style and gives the PDF's bytes. */
export function makePaper(
  { parts, notes }: Manuscript,
  style: PaperStyle,
  title: string,
): Promise<Uint8Array> {
  const pdf = new PDFDocument({
    autoFirstPage: false,
    info: { Title: title, CreationDate: DATE, ModDate: DATE },
  });
  const registered = new Set<FontName>();
  const measure: Measure = (text, font, size) => {
    if (!registered.has(font)) {
      const file = fontFile(font);
      if (file !== undefined) pdf.registerFont(font, Buffer.from(file));
      registered.add(font);
    }
    return pdf.font(font).fontSize(size).widthOfString(text);
  };
  // The page's furniture is drawn when the page begins, so its fonts must be known by then.
  measure(" ", style.family.regular, style.size);
  measure(" ", style.family.italic, style.size);
  const total = { pages: 0 };
  const flow = new Flow(pdf, style, (page) => {
    total.pages = page;
    drawFurniture(pdf, style, page, measure);
  });
  const setter = new Setter(pdf, flow, style, notes, measure);
  setter.set(parts);
  flow.finish();
  return collect(pdf);
}

function collect(pdf: Pdf): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
    pdf.on("error", reject);
    pdf.on("end", () => resolve(Buffer.concat(chunks)));
    pdf.end();
  });
}
