/** Scratch folders: each task gets an empty one of its own, whatever the one before did with its. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openScope, type Scope } from "cofferdam";

const look = `stat -c '%a %h' "$TMPDIR"; ls -A "$TMPDIR"`;

/** Runs a shell's words in a task; gives what it said, and its folder. */
async function run(scope: Scope, words: string): Promise<{ said: string; scratch: string }> {
  let scratch = "";
  const { stdout } = await scope.exec(["sh", "-c", words], {
    onStart: (command) => (scratch = command.scratch),
  });
  return { said: stdout, scratch };
}

describe("a scratch folder", () => {
  it.each([
    ["left it alone", "true"],
    ["left a file in it", `touch "$TMPDIR/file"`],
    ["left a hidden file in it", `touch "$TMPDIR/.file"`],
    ["left a folder in it", `mkdir "$TMPDIR/folder"`],
    ["made it and removed a file", `touch "$TMPDIR/file"; rm "$TMPDIR/file"`],
    ["opened it to others", `chmod 777 "$TMPDIR"`],
    ["closed it", `chmod 0 "$TMPDIR"`],
    ["removed it", `rmdir "$TMPDIR"`],
    ["put a file in its place", `rmdir "$TMPDIR"; touch "$TMPDIR"`],
    ["put a link in its place", `rmdir "$TMPDIR"; ln -s /etc "$TMPDIR"`],
  ])("is new after a task that %s", async (_what, words) => {
    await using scope = await openScope();
    const first = await run(scope, words);
    expect(existsSync(first.scratch)).toBe(false);
    const second = await run(scope, look);
    expect(second.scratch).not.toBe(first.scratch);
    expect(second.said).toBe("700 2\n");
    expect(existsSync(second.scratch)).toBe(false);
  });

  it("is each task's own among many", async () => {
    await using scope = await openScope();
    for (let round = 0; round < 3; round++) {
      const all = Array.from({ length: 8 }, async () => {
        const { said } = await run(scope, `${look}; mkdir "$TMPDIR/own" && rmdir "$TMPDIR/own"`);
        expect(said).toBe("700 2\n");
      });
      await Promise.all(all);
    }
  });
});
