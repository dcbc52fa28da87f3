import type { Marker } from "../model.ts";

const BULLET = /^([•‣◦▪▫●○■□◆◇►▸➢➤✓✔·∙⁃–—*-]|\u2219|\uF0B7|\uF0A7)\s+(?=\S)/u;
const NUMBER = /^(\(?(?:\d{1,2}|[a-zA-Z]|[ivxIVX]{1,4})[.)])\s+(?=\S)/u;
/** "1", "2.3" or "4.1.2." before a capital: how sections are numbered. */
const SECTION = /^((?:\d{1,2}|[A-Z])(?:\.\d{1,2}){0,4})\.?\s+(?=\P{Ll})/u;
const ROMAN_SECTION = /^([IVX]{1,5})\.\s+(?=\P{Ll})/u;

/** Reads the sign a list item starts with. */
export function readMarker(text: string): Marker | undefined {
  const bullet = BULLET.exec(text);
  if (bullet !== null)
    return { kind: "bullet", label: bullet[1] ?? "", rest: text.slice(bullet[0].length) };
  const number = NUMBER.exec(text);
  if (number !== null)
    return { kind: "number", label: number[1] ?? "", rest: text.slice(number[0].length) };
  return undefined;
}

/** How deep a section number goes: 1 for "3" and "IV.", 2 for "3.1"; undefined without one. */
export function sectionDepth(text: string): number | undefined {
  const roman = ROMAN_SECTION.exec(text);
  if (roman !== null) return 1;
  const number = SECTION.exec(text)?.[1];
  // "A sentence" starts with a capital and a space as an appendix does; only "A." or "A.1" count.
  if (number === undefined || (/^[A-Z]$/u.test(number) && !/^[A-Z]\./u.test(text)))
    return undefined;
  return number.split(".").length;
}
