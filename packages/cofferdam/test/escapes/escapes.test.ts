/**
 * The catalogue of escapes: trick × way, as root and as an ordinary user. What is promised in
 * `promises.ts` must hold, and what is not promised must never be called verified.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ways, type Way } from "./catalogue.ts";
import { buildTricks, cellsOf, runWay, users, type Line, type User } from "./matrix.ts";
import { isPromised, pagePath, renderPage } from "./page.ts";

const compiles = spawnSync("cc", ["--version"]).status === 0;
const isRoot = process.getuid?.() === 0;
const canChangeUser = isRoot && spawnSync("setpriv", ["--version"]).status === 0;

/** Why a user's part cannot be played here. */
function skipReason(user: User): string | null {
  if (process.platform !== "linux") return "the tricks are for Linux";
  if (!compiles) return "there is no C compiler";
  if (user.uid === null) return null;
  if (!canChangeUser) return "only root can become another user, by setpriv";
  return canRead(user.uid) ? null : "an ordinary user cannot read the folder of the repository";
}

function canRead(uid: number): boolean {
  const id = String(uid);
  const become = ["--reuid", id, "--regid", id, "--clear-groups", "test", "-r"];
  return spawnSync("setpriv", [...become, import.meta.filename]).status === 0;
}

const plays = users.flatMap((user) => ways.map((way) => ({ user, way, why: skipReason(user) })));
const lines = new Map<string, Line[]>();
const key = (user: User, way: Way): string => `${way} as ${user.name} ${user.uid ?? ""}`;

// Two at a time: one beside it waits while the processor is busy with the other's many looks.
beforeAll(async () => {
  if (!compiles) return;
  const programs = join(tmpdir(), "programs");
  mkdirSync(programs);
  buildTricks(programs);
  const play = async (which: (way: Way) => boolean): Promise<void> => {
    for (const { user, way, why } of plays)
      if (why === null && which(way)) lines.set(key(user, way), await runWay(way, user, programs));
  };
  await Promise.all([play((way) => way === "group"), play((way) => way !== "group")]);
}, 300_000);

describe("escapes", () => {
  for (const { user, way, why } of plays) {
    const skipped = why === null ? "" : ` (skipped, because ${why})`;
    it.skipIf(why !== null)(`under ${way}, as ${user.name}${skipped}`, (test) => {
      const found = lines.get(key(user, way)) ?? [];
      const missing = found.find((line) => "unavailable" in line);
      if (missing) test.skip(`skipped, because ${way} cannot be had here: ${missing.unavailable}`);
      const root = isRoot && user.uid === null;
      const broken = found.flatMap((line): string[] => {
        if ("unavailable" in line) return [];
        const name = `${line.trick}, ${line.mode}`;
        const cgroup = "reported" in line && line.reported.cgroup;
        const promised = isPromised(line.trick, way, { root, cgroup });
        if ("failed" in line) return promised ? [`${name}: ${line.failed}`] : [];
        const { verified } = line.reported;
        return [
          ...(promised ? line.left.map((what) => `${name}: left ${what}`) : []),
          ...(verified && line.left.length > 0 ? [`${name}: left something, called verified`] : []),
          ...(verified !== (way === "namespace") ? [`${name}: verified is ${verified}`] : []),
        ];
      });
      expect(broken).toEqual([]);
      const played = found.flatMap((line) =>
        "trick" in line ? [`${line.trick} ${line.mode}`] : [],
      );
      const wanted = cellsOf(way, user).map(({ trick, mode }) => `${trick} ${mode}`);
      expect(played.sort()).toEqual(wanted.sort());
    });
  }

  it("are told in docs/reference/escapes.md as they are tested", async () => {
    expect(readFileSync(pagePath, "utf8")).toBe(await renderPage());
  });
});
