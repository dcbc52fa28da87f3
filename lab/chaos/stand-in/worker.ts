// Writes twelve files, in two halves each, and skips those that are there.
import { appendFileSync, existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const [out = "", mode] = process.argv.slice(2);

// The command's end is the end of our stdin.
process.stdin.on("close", () => process.exit(3)).resume();

for (let number = 1; number <= 12; number += 1) {
  const path = join(out, `${number}.md`);
  if (existsSync(path)) continue;
  const place = mode !== "careful" ? path : join(out, `.${number}.md.new`);
  writeFileSync(place, `# ${number}\n`);
  if (mode === "stuck" && number === 1) await new Promise(() => undefined);
  await delay(10); // This is the work: the moments that a kill may hit.
  appendFileSync(place, "the end\n");
  if (place !== path) renameSync(place, path);
}
process.exit(0);
