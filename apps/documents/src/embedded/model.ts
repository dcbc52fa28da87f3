/**
 * The shapes the phases hand on: runs → segments → lines → blocks → elements.
 *
 * All lengths are in points. `x` grows to the right and `y` downward, after the page has been
 * turned so that its text stands upright; `baseline` is the `y` a line of text rests on.
 */

/** What is known of a typeface. */
export interface Face {
  readonly bold: boolean;
  readonly italic: boolean;
  readonly mono: boolean;
}

/** A piece of text set in one font at one size, on one baseline. */
export interface Run {
  readonly text: string;
  readonly x: number;
  readonly right: number;
  readonly baseline: number;
  readonly size: number;
  readonly face: Face;
  readonly rtl: boolean;
  /** The file set white space before this run, whatever the distance says. */
  readonly spaced: boolean;
}

/** One page's text as it was drawn. */
export interface PageRuns {
  /** Counted from 1. */
  readonly page: number;
  readonly top: number;
  readonly bottom: number;
  readonly runs: readonly Run[];
  /** Text set at another angle than most of the page, in the order it was drawn. */
  readonly strays: readonly string[];
}

/** Runs of one line with no wide gap between them: a word, a cell, a column's line. */
export interface Segment {
  readonly text: string;
  readonly x: number;
  readonly right: number;
  readonly baseline: number;
  /** The size most of its characters have. */
  readonly size: number;
  readonly bold: boolean;
  readonly italic: boolean;
  readonly mono: boolean;
  readonly rtl: boolean;
}

/** All segments of one region that stand on one baseline. */
export interface Line extends Segment {
  readonly cells: readonly Segment[];
}

/** A part of the page that is read from top to bottom: a column, or a full-width stretch. */
export interface Region {
  readonly page: number;
  /** Counted over the document, in reading order. */
  readonly index: number;
  readonly left: number;
  readonly right: number;
  readonly lines: readonly Line[];
}

/** Lines that belong together. */
export interface TextBlock {
  readonly kind: "text";
  readonly page: number;
  readonly lines: readonly Line[];
  readonly size: number;
  readonly bold: boolean;
  readonly italic: boolean;
  readonly mono: boolean;
  readonly marker: Marker | undefined;
  /** Counted over the document: a sentence may go on from one region to another. */
  readonly region: number;
  /** Last text of its region, where footnotes stand. */
  readonly closes: boolean;
  /** Space above, as a multiple of the usual distance between lines; Infinity at a region's top. */
  readonly above: number;
  readonly regionLeft: number;
  readonly regionRight: number;
}

/** The sign a list item starts with. */
export interface Marker {
  readonly kind: "bullet" | "number";
  readonly label: string;
  /** What follows the marker on its line. */
  readonly rest: string;
}

export interface TableBlock {
  readonly kind: "table";
  readonly page: number;
  readonly region: number;
  readonly rows: readonly (readonly string[])[];
}

export type Block = TextBlock | TableBlock;

/** What a reader sees, in reading order. Texts are plain, with script sentinels, not yet escaped. */
export type Element =
  | {
      readonly kind: "heading";
      readonly page: number;
      readonly level: number;
      readonly text: string;
    }
  | { readonly kind: "paragraph"; readonly page: number; readonly text: string }
  | {
      readonly kind: "item";
      readonly page: number;
      readonly depth: number;
      readonly ordered: boolean;
      readonly label: string;
      readonly text: string;
    }
  | { readonly kind: "table"; readonly page: number; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: "code"; readonly page: number; readonly text: string }
  | {
      readonly kind: "footnote";
      readonly page: number;
      readonly label: string;
      readonly text: string;
    };

/**
 * Sentinels around raised and lowered text. They are private-use characters, so no escaping step
 * mistakes them for content; the same characters are removed from what a PDF brings.
 */
export const SCRIPT = {
  supOpen: "\uE000",
  supClose: "\uE001",
  subOpen: "\uE002",
  subClose: "\uE003",
};
