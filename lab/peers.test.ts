import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peers-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function survivors(adapter: string, ...args: string[]) {
  const file = join(folder, "own.mjs");
  writeFileSync(file, adapter);
  const words = ["--conditions=cofferdam-source", main, "survivors", "--adapter", file, ...args];
  return spawnSync(process.execPath, words, { encoding: "utf8" });
}

describe("an adapter of one's own", () => {
  it("is scored without a change here", () => {
    const { stdout, stderr, status } = survivors(
      `export default {
         name: "timeout", title: "timeout(1)",
         version: async () => "here", available: async () => null,
         supervisor: (task, deadlineMs) =>
           deadlineMs === null ? task : ["timeout", "-s", "KILL", String(deadlineMs / 1000), ...task],
       };`,
      ...["--settle", "200", "--json"],
    );
    expect(stderr).toBe("");
    const { rows } = JSON.parse(stdout) as {
      rows: { title: string; deadline: { seen: number; survivors: string[] } }[];
    };
    expect(rows.map(({ title }) => title)).toEqual(["timeout(1)"]);
    expect(rows[0]?.deadline.seen).toBe(4);
    expect(rows[0]?.deadline.survivors).toContain("double fork");
    expect(status).toBe(0);
  });

  it.each([
    ["export default { name: 1 };", /its default export has no name, a string/],
    ["export const name = 1;", /its default export has no name/],
    ["throw new Error('broken');", /own\.mjs: broken/],
  ])("is refused when it is none: %s", (adapter, message) => {
    const { stderr, status } = survivors(adapter);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});
