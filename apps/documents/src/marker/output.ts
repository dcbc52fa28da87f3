import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "cofferdam";
import { pageMarker } from "../pages/page-markers.ts";

/** `{N}` and 48 hyphens, N counted from 0. */
const markerLine = /^\{(\d+)\}-{48}$/gmu;

/**
 * The text that Marker has written for an input, with our page markers; null if it has not, or not
 * all of it. Marker writes `STEM/STEM.md` in place and then `STEM/STEM_meta.json`: only when the
 * second is whole is the first so. Its exit code says nothing about it: it is 0 when every document
 * failed.
 */
export async function readOutput(folder: string, stem: string): Promise<string | null> {
  if (!(await isFinished(folder, stem))) return null;
  const text = await readIfThere(join(folder, stem, `${stem}.md`));
  if (text === null) return null;
  const marked = text.replaceAll(markerLine, (_, page: string) => pageMarker(Number(page) + 1));
  return `${marked.trim()}\n`;
}

/** Whether Marker has finished with an input. */
export async function isFinished(folder: string, stem: string): Promise<boolean> {
  const meta = await readIfThere(join(folder, stem, `${stem}_meta.json`));
  if (meta === null) return false;
  try {
    JSON.parse(meta);
    return true;
  } catch {
    return false; // half written
  }
}

/** Whether there is any text: Marker gives page markers for pages without any, too. */
export function hasText(marked: string): boolean {
  return marked.replace(/^<!-- page \d+ -->$/gmu, "").trim() !== "";
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}
