/** What a task needs in the keeper is given back. `long.ts` runs the same with 100,000. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runFolder } from "../../lab/census/index.ts";
import { buildPlain, compiler, has } from "./support/build.ts";
import { KeeperProcess } from "./support/keeper-process.ts";
import { runManyTasks } from "./support/scenarios.ts";

/** A leak of one page for each task would be more than five times this. */
const roomBytes = 256 * 1024;

it.skipIf(process.platform !== "linux" || !has(compiler, "--version"))(
  "stays as small as it was, however many tasks it has run",
  async (context) => {
    const binary = buildPlain(mkdtempSync(join(tmpdir(), "m-")));
    const keeper = await new KeeperProcess(binary, runFolder()).ready();
    if (!keeper.contains) {
      await keeper.close();
      context.skip();
    }
    const { odd, rssBytes, descriptors } = await runManyTasks(keeper, 400);
    expect(odd).toBe(0);
    expect(descriptors[1]).toBe(descriptors[0]);
    expect(rssBytes[1] - rssBytes[0]).toBeLessThan(roomBytes);
    expect(await keeper.close()).toMatchObject({ code: 0 });
  },
);
