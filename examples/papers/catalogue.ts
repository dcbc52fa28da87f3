import { FAMILIES } from "./typeset/fonts.ts";
import type { PaperStyle } from "./typeset/style.ts";
import { BASE } from "./typeset/style.ts";

const { times, helvetica, source, noto } = FAMILIES;

/** A two-column conference paper. */
const PAPER: PaperStyle = {
  ...BASE,
  columns: 2,
  margins: { top: 64, bottom: 66, side: 50 },
  size: 9.5,
  leading: 1.18,
  headingSizes: [18, 11.5, 10, 9.5],
};

/** The papers and how each looks; no two look alike. */
export const CATALOGUE: readonly (readonly [name: string, style: PaperStyle])[] = [
  [
    "tidal-gates",
    {
      ...PAPER,
      heads: ["Tidal Gates and Their Clocks", "Notes on Tidal Engineering"],
      pageNumbers: "outer",
    },
  ],
  [
    "process-walls",
    { ...PAPER, family: source, headings: helvetica, size: 9.2, gutter: 22, pageNumbers: "centre" },
  ],
  [
    "silt-records",
    {
      ...PAPER,
      family: helvetica,
      headings: helvetica,
      size: 8.8,
      alignment: "ragged",
      leading: 1.3,
      paragraphs: "spaced",
      title: "left",
      pageNumbers: "of",
      stamp: "Silt Group, working paper 12, third version",
    },
  ],
  [
    "gauge-drift",
    {
      ...PAPER,
      page: [612, 792],
      margins: { top: 60, bottom: 60, side: 54 },
      gutter: 16,
      size: 10,
      family: times,
      heads: ["Gauge drift and its causes"],
      pageNumbers: "head",
    },
  ],
  [
    "river-walk",
    {
      ...BASE,
      family: source,
      headings: source,
      size: 11,
      leading: 1.4,
      alignment: "ragged",
      hyphenate: false,
      paragraphs: "spaced",
      title: "left",
      headingSizes: [24, 15, 12],
    },
  ],
  [
    "lending-queues",
    { ...BASE, heads: ["Lending queues in a small library"], pageNumbers: "head" },
  ],
  [
    "site-memo",
    {
      ...BASE,
      family: helvetica,
      headings: helvetica,
      size: 10,
      leading: 1.35,
      paragraphs: "spaced",
      alignment: "ragged",
      title: "left",
      pageNumbers: "none",
      rules: false,
      headingSizes: [16, 11.5],
    },
  ],
  [
    "pump-checklist",
    {
      ...BASE,
      family: helvetica,
      headings: helvetica,
      size: 10.5,
      paragraphs: "spaced",
      alignment: "ragged",
      hyphenate: false,
      title: "left",
      bullet: "–",
      pageNumbers: "of",
      headingSizes: [20, 14, 11.5],
    },
  ],
  [
    "greek-harbours",
    {
      ...BASE,
      family: noto,
      headings: noto,
      size: 10,
      leading: 1.45,
      headingSizes: [19, 13, 11],
      heads: ["Words for harbours"],
    },
  ],
  [
    "ice-on-the-neva",
    {
      ...BASE,
      family: noto,
      headings: noto,
      size: 10,
      leading: 1.4,
      pageNumbers: "outer",
      headingSizes: [20, 13.5, 11],
    },
  ],
  [
    "canal-locks-zh",
    {
      ...BASE,
      size: 11,
      leading: 1.5,
      alignment: "ragged",
      family: source,
      headings: source,
      headingSizes: [20, 14, 12],
      eastAsian: "chinese",
    },
  ],
  [
    "tide-tables-ja",
    {
      ...BASE,
      size: 10.5,
      leading: 1.55,
      alignment: "ragged",
      family: noto,
      headings: noto,
      headingSizes: [19, 13.5, 11.5],
      eastAsian: "japanese",
    },
  ],
  [
    "water-clocks-ar",
    {
      ...BASE,
      size: 11,
      leading: 1.6,
      family: noto,
      headings: noto,
      headingSizes: [20, 14, 12],
      alignment: "ragged",
    },
  ],
  [
    "station-handbook",
    {
      ...BASE,
      page: [419.53, 595.28],
      margins: { top: 58, bottom: 56, side: 46 },
      size: 10.5,
      leading: 1.4,
      heads: ["Handbook of Gauging Stations", "Methods and Registers"],
      breakBefore: /^9\.(?!1 )\d+ /u,
      pageNumbers: "outer",
      headingSizes: [22, 15, 11.5, 10],
    },
  ],
];
