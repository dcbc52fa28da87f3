/** A user whom /etc/passwd does not name and who has no home folder: `docker run --user 54321`. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cli } from "../../../../test/support/program.ts";

const id = 54_321;

let folder: string;

function runAs(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, ["--conditions=cofferdam-source", cli, ...args], {
    encoding: "utf8",
    cwd: "/",
    uid: id,
    gid: id,
    env: { ...process.env, TMPDIR: folder, HOME: undefined, XDG_CACHE_HOME: undefined, ...env },
  });
}

const why =
  process.geteuid?.() !== 0
    ? "only root can become another user"
    : spawnSync("test", ["-r", cli], { uid: id, gid: id }).status !== 0 &&
      "an ordinary user cannot read the folder of the repository";

describe.skipIf(why)(`a user without a name${why ? ` (skipped, because ${why})` : ""}`, () => {
  beforeAll(() => {
    chmodSync(tmpdir(), 0o711); // this test file's own
    folder = mkdtempSync(join(tmpdir(), "nameless-"));
    chownSync(folder, id, id);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("runs commands", () => {
    expect(runAs(["exec", "--", "id", "-u"])).toMatchObject({ status: 0, stdout: `${id}\n` });
  });

  it("is told what to set where something is kept", () => {
    expect(runAs(["cache", "stats"])).toMatchObject({
      status: 1,
      stderr: `cofferdam: this user (${id}) has no home folder; set XDG_CACHE_HOME, or HOME\n`,
    });
    expect(runAs(["cache", "stats"], { HOME: folder }).status).toBe(0);
    expect(runAs(["cache", "stats"], { HOME: folder, XDG_CACHE_HOME: "" }).status).toBe(0);
  });
});
