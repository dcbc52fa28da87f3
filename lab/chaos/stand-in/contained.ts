// The smallest real subject: some files, each written by a contained task that leaves a daemon
// behind. It resumes, and tries a task again whose worker or keeper was killed.
//
//   npm run lab chaos -- --victim all -- node lab/chaos/stand-in/contained.ts {out} [FILES]
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openScope } from "cofferdam";

const [out = "", files = "24"] = process.argv.slice(2);
mkdirSync(out, { recursive: true });

const ATTEMPTS = 3;
const LANES = 2;

// Halves with a pause between them; the name is given when the file is whole.
const TASK = `
  (setsid sleep 600 >/dev/null 2>&1 &)
  printf '# %s\\n' "$2" >"$1/.$2.new"
  sleep 0.02
  echo the end >>"$1/.$2.new"
  mv "$1/.$2.new" "$1/$2.md"`;

await using scope = await openScope();
const numbers = Array.from({ length: Number(files) }, (_, index) => String(index + 1))
  .filter((number) => !existsSync(join(out, `${number}.md`)))
  .values();

await Promise.all(Array.from({ length: LANES }, work));

async function work(): Promise<void> {
  for (const number of numbers) {
    for (let attempt = 1; ; attempt += 1) {
      const task = ["/bin/sh", "-c", TASK, "task", out, number];
      const result = await scope.exec(task, { grace: "100ms", reject: false });
      if (result.outcome === "ok") break;
      if (attempt === ATTEMPTS) throw new Error(`file ${number}: ${result.outcome}`);
    }
  }
}
