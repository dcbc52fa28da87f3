import { greatest, least } from "../extremes.ts";
import type { PageRuns, Run } from "../model.ts";
import type { Faces } from "../pdf/faces.ts";
import type { PdfPage } from "../pdf/open.ts";
import { cleanText } from "./clean-text.ts";

interface Item {
  readonly text: string;
  readonly rtl: boolean;
  readonly matrix: readonly number[];
  readonly width: number;
  readonly height: number;
  readonly font: string;
  readonly vertical: boolean;
  readonly spaced: boolean;
}

/** Text is upright when it is within this many degrees of the page's main direction. */
const UPRIGHT_WITHIN_DEGREES = 3;

/** Reads one page's text as runs, turned so that most of it stands upright. */
export async function readPageRuns(page: PdfPage, faces: Faces): Promise<PageRuns> {
  const { items, fonts } = await readItems(page);
  await faces.learn(page, fonts);
  const angle = mainAngle(items);
  const runs: Run[] = [];
  const strays: string[] = [];
  const turn = turner(angle);
  for (const item of items) {
    if (item.vertical || Math.abs(difference(angleOf(item), angle)) > UPRIGHT_WITHIN_DEGREES) {
      strays.push(item.text.trim());
      continue;
    }
    const [x, baseline] = turn(item.matrix[4] ?? 0, item.matrix[5] ?? 0);
    const size = item.height;
    if (!Number.isFinite(x + baseline + size + item.width) || size <= 0) continue;
    runs.push({
      text: item.text,
      x,
      right: x + item.width,
      baseline,
      size,
      face: faces.get(item.font),
      rtl: item.rtl,
      spaced: item.spaced,
    });
  }
  const corners = viewCorners(page).map(([x, y]) => turn(x, y)[1]);
  return {
    page: page.pageNumber,
    top: least(corners),
    bottom: greatest(corners),
    runs,
    strays: strays.filter((text) => text !== ""),
  };
}

async function readItems(page: PdfPage): Promise<{ items: Item[]; fonts: string[] }> {
  // Normalisation is left to cleanText: the library does it before it orders right-to-left text,
  // which swaps the letters of Arabic ligatures.
  const content = await page.getTextContent({ disableNormalization: true });
  const items: Item[] = [];
  let spaced = false;
  for (const item of content.items) {
    if (!("str" in item)) continue;
    const text = cleanText(item.str);
    if (text.trim() === "") {
      spaced ||= text !== "" || item.hasEOL;
      continue;
    }
    items.push({
      text,
      rtl: item.dir === "rtl",
      matrix: item.transform as number[],
      width: item.width,
      height: item.height,
      font: item.fontName,
      vertical: content.styles[item.fontName]?.vertical ?? item.dir === "ttb",
      spaced: spaced || text.startsWith(" "),
    });
    spaced = item.hasEOL || text.endsWith(" ");
  }
  return { items, fonts: Object.keys(content.styles) };
}

function angleOf(item: Item): number {
  return (Math.atan2(item.matrix[1] ?? 0, item.matrix[0] ?? 1) * 180) / Math.PI;
}

function difference(a: number, b: number): number {
  return ((((a - b + 180) % 360) + 360) % 360) - 180;
}

/** The direction, in whole degrees, that most characters run in. */
function mainAngle(items: readonly Item[]): number {
  const weights = new Map<number, number>();
  for (const item of items) {
    if (item.vertical) continue;
    const angle = Math.round(angleOf(item));
    weights.set(angle, (weights.get(angle) ?? 0) + item.text.length);
  }
  let best = 0;
  let most = 0;
  for (const [angle, weight] of weights) {
    if (weight > most) [best, most] = [angle, weight];
  }
  return best;
}

/** Turns page space (y upward) by `-degrees` and flips it, so that y grows downward. */
function turner(degrees: number): (x: number, y: number) => [number, number] {
  const radians = (degrees * Math.PI) / 180;
  const cos = Math.cos(radians);
  const sin = Math.sin(radians);
  return (x, y) => [x * cos + y * sin, x * sin - y * cos];
}

function viewCorners(page: PdfPage): [number, number][] {
  const [x0 = 0, y0 = 0, x1 = 612, y1 = 792] = page.view;
  return [
    [x0, y0],
    [x0, y1],
    [x1, y0],
    [x1, y1],
  ];
}
