/** Names and contents that mean harm, or just mischance. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli, type Finished } from "../../../test/support/program.ts";
import type { Summary } from "../src/summary/summary.ts";
import { sweep } from "./support/sweep.ts";

let folder: string;
let ran: Finished;
let page: string;

const markup = `"'><script>alert(1)</script><img src=x onerror=alert(2)>`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hostile-"));
  const raw = join(folder, "data/01_raw");
  mkdirSync(raw, { recursive: true });
  const files: Record<string, string> = {
    "good.csv": sweep("IV", { sample: markup }),
    [`${markup.replaceAll("/", "")}.csv`]: sweep("IV"),
    "line\nbreak \u001b[2J.csv": sweep("IV"),
    [`${"ü".repeat(124)}.csv`]: "",
    "slash.csv": sweep("a/b"),
    "null.csv": sweep("a\u0000b"),
    "long.csv": sweep("x".repeat(300)),
    "constructor.csv": sweep("constructor"),
    "proto.csv": sweep("__proto__"),
    "markup.csv": sweep(`P"'<script src=x`),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(raw, name), text);
  writeFileSync(Buffer.from(`${raw}/no text \xff.csv`, "latin1"), sweep("IV"));
  const args = ["--workers", "1", "--progress", "none", "--summary", "s.json"];
  ran = await runCli(["measurements", "pipeline", ...args], { cwd: folder });
  const reported = await runCli(["measurements", "report", "--out", "r.html"], { cwd: folder });
  expect(reported.code).toBe(0);
  page = readFileSync(join(folder, "r.html"), "utf8");
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

it("stop no other file", () => {
  expect(ran.stderr).toBe("");
  expect(ran.code).toBe(3);
  const { stages } = JSON.parse(readFileSync(join(folder, "s.json"), "utf8")) as Summary;
  expect(stages[0]).toMatchObject({
    ok: 6,
    rejected: 5,
    rejections: { EMPTY_FILE: 1, NO_PROCEDURE: 3, UNREADABLE: 1 },
  });
  expect(stages[1]).toMatchObject({ ok: 3, rejected: 0, produced: 12 });
});

it("are text in the report", () => {
  expect(page).toContain("__proto__: 1");
  expect(page).toContain("&lt;script");
  expect(page).not.toMatch(/<(script|img)/i);
  // Markup of ours alone: no attribute was broken out of.
  expect(page).not.toMatch(/\son\w+\s*=\s*[^&]*alert\(2\)[^&]*>/);
  expect(page.match(/<svg /g)).toHaveLength(4);
});
