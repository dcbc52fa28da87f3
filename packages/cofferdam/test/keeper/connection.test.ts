/** What can go wrong between the library and its keeper while both live. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runFolder } from "../../../../lab/census/index.ts";
import { kept } from "../../../../test/support/containment.ts";
import { locateKeeper } from "../../src/keeper/locate.ts";
import { NativeBackend } from "../../src/keeper/native-backend.ts";

const keeper = process.platform === "linux" ? locateKeeper() : null;
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

describe.skipIf(keeper === null)("the connection to the keeper", () => {
  it("goes on with a task whose START was said twice", async () => {
    const folder = mkdtempSync(join(tmpdir(), "twice-"));
    const between = join(folder, "keeper");
    const words = [process.execPath, fixture("doubling-keeper.ts"), keeper];
    writeFileSync(between, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`);
    chmodSync(between, 0o755);
    const backend = await NativeBackend.open(between, runFolder());
    const task = await backend.start({
      command: ["/bin/sh", "-c", "exit 7"],
      cwd: "/",
      env: {},
      stdio: ["null", "null", "null"],
      graceMs: 0,
      channel: false,
    });
    expect((await task.ended).exitCode).toBe(7);
    expect(await backend.close()).toBe(0);
    rmSync(folder, { recursive: true });
  });

  it.skipIf(kept.skip)(kept.name("fails a task whose output it cannot get, and ends it"), () => {
    const { stdout, stderr } = spawnSync(
      "/bin/sh",
      [
        "-c",
        'ulimit -n 80; exec "$0" --conditions=cofferdam-source "$1"',
        process.execPath,
        fixture("out-of-descriptors.ts"),
      ],
      { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } },
    );
    expect(stderr).toBe("");
    const said = JSON.parse(stdout) as { message: string };
    expect(said).toMatchObject({ code: "SPAWN", then: "heard\n", left: 0 });
    expect(said.message).toMatch(/EMFILE/);
  });
});
