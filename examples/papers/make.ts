/**
 * Makes the example papers: `node examples/papers/make.ts [name …]`.
 *
 * Every paper is set from the Markdown beside it, so the Markdown is what a converter should give
 * back. The bytes depend on nothing but the manuscripts, the styles and the versions of the fonts.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CATALOGUE } from "./catalogue.ts";
import { writeHandbook } from "./handbook.ts";
import { makePaper } from "./typeset/paper.ts";
import { parse } from "./typeset/parse.ts";

const folder = import.meta.dirname;
const wanted = process.argv.slice(2);

for (const [name, style] of CATALOGUE) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const path = join(folder, `${name}.md`);
  // The handbook is long and regular, so its manuscript is itself written by a script.
  if (name === "station-handbook") writeFileSync(path, writeHandbook());
  const manuscript = parse(readFileSync(path, "utf8"));
  const title = manuscript.parts.find((part) => part.kind === "heading")?.text ?? name;
  const pdf = await makePaper(manuscript, style, title);
  writeFileSync(join(folder, `${name}.pdf`), pdf);
  console.log(`${name}.pdf  ${Math.ceil(pdf.length / 1024)} KB`);
}
