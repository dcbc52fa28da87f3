import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Cache } from "../../src/shared/index.ts";
import { runCli, type Finished } from "../../../../test/support/program.ts";

let home: string;
let cache: Cache;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "home-"));
  cache = new Cache("vectors", { folder: folderOf("vectors") }, () => undefined);
  for (let key = 0; key < 50; key++) await cache.set(key, new Uint8Array(1000));
});

afterEach(() => {
  cache.close();
  rmSync(home, { recursive: true });
});

function folderOf(name: string): string {
  return join(home, "cofferdam", "caches", name);
}

function run(...args: string[]): Promise<Finished> {
  return runCli(["cache", ...args], { env: { XDG_CACHE_HOME: home } });
}

it("shows, checks and empties a cache that is in use", async () => {
  const stats = await run("stats");
  expect(stats.stdout).toMatch(/^vectors {2}50 values, 60 KB \(.* on disk, .*vectors\)\n$/);
  const json = JSON.parse((await run("stats", "vectors", "--json")).stdout) as unknown;
  expect(json).toMatchObject({
    schema: 1,
    caches: [{ name: "vectors", entries: 50, damaged: [] }],
  });
  expect(await run("verify")).toMatchObject({ code: 0, stdout: `${folderOf("vectors")}: sound\n` });
  expect((await run("clear", "vectors")).stdout).toContain("50 values removed");
  expect(await cache.get(1)).toBeUndefined();
  await cache.set(1, "again");
  expect(cache.totals().entries).toBe(1);
});

it("says what is damaged, and removes what was set aside", async () => {
  const { file } = cache.store;
  cache.close();
  writeFileSync(file, "no database");
  expect(await run("verify", "vectors")).toMatchObject({ code: 3 });
  cache = new Cache("vectors", { folder: folderOf("vectors") }, () => undefined);
  expect((await run("stats")).stdout).toContain(`set aside: ${file} (file is not a database)`);
  expect((await run("clear", "vectors")).stdout).toContain("0 values removed, and 1 damaged file");
  expect((await run("stats")).stdout).not.toContain("set aside");
});

it.each([
  ["no database", (file: string) => writeFileSync(file, "no database")],
  ["cut off", (file: string) => truncateSync(file, 8192 * 3 + 100)],
])("empties a cache whose file is %s, which nobody knows yet", async (_, damage) => {
  const { file } = cache.store;
  cache.close();
  damage(file);
  expect(await run("clear", "vectors")).toMatchObject({
    code: 0,
    stdout: `${folderOf("vectors")}: 0 values removed, and 1 damaged file\n`,
    stderr: "",
  });
  expect(existsSync(file)).toBe(false);
  expect(await run("verify", "vectors")).toMatchObject({ code: 0 });
  const notices: string[] = [];
  cache = new Cache("vectors", { folder: folderOf("vectors") }, (line) => notices.push(line));
  expect(cache.totals().entries).toBe(0);
  expect(notices).toEqual([]);
});

it("empties a cache whose file is damaged while a program uses it, which goes on", async () => {
  const { file } = cache.store;
  const other = new DatabaseSync(file);
  other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  other.close();
  const handle = openSync(file, "r+"); // the same file, as its user has it open
  const damage = Buffer.alloc(statSync(file).size - 16_384, 0xaa);
  writeSync(handle, damage, 0, damage.length, 16_384);
  closeSync(handle);
  expect(await run("clear", "vectors")).toMatchObject({ code: 0, stderr: "" });
  expect(existsSync(file)).toBe(false);
  await cache.set(1, "again");
  expect(await cache.get(1)).toBe("again");
  const next = new Cache("vectors", { folder: folderOf("vectors") }, () => undefined);
  expect(next.store.file).not.toBe(file); // it would be taken for the one that is in use
  expect(next.store.database.verify()).toEqual([]);
  next.close();
});

it("refuses a name that is none, and knows when there are no caches", async () => {
  const wrong = await run("verify", "vectors", "other");
  expect(wrong).toMatchObject({ code: 1, stdout: "" });
  expect(wrong.stderr).toContain("there is no cache in");
  cache.close();
  rmSync(home, { recursive: true });
  expect((await run("stats")).stdout).toBe("no caches\n");
  home = mkdtempSync(join(tmpdir(), "home-"));
});
