import type { EastAsian, Family } from "./fonts.ts";
import type { Alignment } from "./lines.ts";

/** How a paper looks. Lengths are in points. */
export interface PaperStyle {
  readonly page: readonly [width: number, height: number];
  readonly margins: { readonly top: number; readonly bottom: number; readonly side: number };
  readonly columns: 1 | 2;
  readonly gutter: number;
  readonly family: Family;
  readonly headings: Family;
  readonly size: number;
  /** Distance between lines, as a multiple of the size. */
  readonly leading: number;
  readonly alignment: Exclude<Alignment, "centred">;
  readonly hyphenate: boolean;
  /** Paragraphs are told apart by an indent, or by space between them. */
  readonly paragraphs: "indented" | "spaced";
  /** Sizes of headings, from level 1 (the title). */
  readonly headingSizes: readonly number[];
  readonly title: "centred" | "left";
  /** Text at the head of every page but the first; odd and even pages may differ. */
  readonly heads: readonly string[];
  readonly pageNumbers: "none" | "centre" | "outer" | "head" | "of";
  readonly rules: boolean;
  readonly bullet: string;
  readonly eastAsian: EastAsian;
  /** Headings that start a page. */
  readonly breakBefore?: RegExp;
  /** A line set along the left edge of the first page. */
  readonly stamp?: string;
}

export const BASE: PaperStyle = {
  page: [595.28, 841.89],
  margins: { top: 72, bottom: 72, side: 64 },
  columns: 1,
  gutter: 20,
  family: { regular: "Times-Roman", bold: "Times-Bold", italic: "Times-Italic" },
  headings: { regular: "Times-Roman", bold: "Times-Bold", italic: "Times-Italic" },
  size: 10.5,
  leading: 1.25,
  alignment: "justified",
  hyphenate: true,
  paragraphs: "indented",
  headingSizes: [18, 13, 11, 10.5],
  title: "centred",
  heads: [],
  pageNumbers: "centre",
  rules: true,
  bullet: "•",
  eastAsian: "chinese",
};
