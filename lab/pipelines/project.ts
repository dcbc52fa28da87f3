import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Writes half of its output, waits, writes the rest: a kill in between must not be seen. */
const half = `
printf 'cut %s\\n' "$1" >>marks
printf 'first of %s\\n' "$1" >"$2"
sleep 0.01
cat "$1" >>"$2"`;

const definition = `
stages:
  cut:
    each: "in/*.txt"
    run: [sh, -c, ${JSON.stringify(half)}, sh, "{in}", "{out}"]
    out: "cut/{in.stem}.cut"
  shout:
    from: cut
    module: shout.mjs
    out: "shout/{in.stem}.up"
  join:
    from: shout
    gather: all
    run: [sh, -c, 'echo "join all" >>marks; xargs cat <"$1" >"$2"', sh, "{in}", "{out}"]
    out: "all.txt"
`;

const module = `
import { appendFileSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const marks = join(dirname(fileURLToPath(import.meta.url)), "marks");

export default function shout({ key, in: input }) {
  appendFileSync(marks, "shout " + key + "\\n");
  return readFileSync(input, "utf8").toUpperCase();
}
`;

/** A pipeline of three stages that marks each item that it begins. */
export class Project implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "resume-"));
  readonly file = join(this.folder, "cofferdam.yaml");

  constructor(items: number) {
    mkdirSync(join(this.folder, "in"));
    for (let index = 1; index <= items; index++) {
      const name = String(index).padStart(4, "0");
      writeFileSync(join(this.folder, "in", `${name}.txt`), `text of item ${name}\n`.repeat(index));
    }
    writeFileSync(this.file, definition);
    writeFileSync(join(this.folder, "shout.mjs"), module);
  }

  /** What has been begun so far, in that order: `STAGE ITEM`. */
  marks(): string[] {
    try {
      return readFileSync(join(this.folder, "marks"), "utf8").split("\n").filter(Boolean);
    } catch {
      return []; // nothing yet
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
