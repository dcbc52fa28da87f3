/** Where outputs go: never over what others have made, never where another item's goes. */
import { describe, expect, it } from "vitest";
import { Project } from "./support.ts";

describe("an output that is there already", () => {
  it("is not touched when `out` is changed to lead there, a folder neither, unless forced", async () => {
    using project = new Project({
      "in/a.txt": "one",
      "in/b": "two",
      "in/c": "three",
      "notes/a.txt": "my own work",
      "notes/b/thesis.txt": "precious",
      "cofferdam.yaml": copyTo("o/{in.name}"),
    });
    await project.run();
    project.write("cofferdam.yaml", copyTo("notes/{in.name}"));
    for (let time = 0; time < 2; time++) {
      const { code, stderr } = await project.run();
      expect([code, stderr]).toEqual([3, expect.stringContaining("2 refused")]);
      expect(project.read("notes/a.txt")).toBe("my own work");
      expect(project.read("notes/b/thesis.txt")).toBe("precious");
      // The row of a refused item is met once, and stays.
      expect(await project.status()).toMatchObject({ copy: { discovered: 3, done: 1, failed: 2 } });
    }
    expect(await project.sums("--force")).toMatchObject({ done: 3, failed: 0 });
    expect(project.read("notes/a.txt")).toBe("one");
    expect(project.read("notes/b")).toBe("two");
    expect(await project.sums()).toMatchObject({ done: 0, skipped: 3 });
  });

  it("is taken for the item's own where a run was to make it", async () => {
    using project = new Project({ "in/a.txt": "one", "cofferdam.yaml": copyTo("o/{in.name}") });
    await project.run();
    // Another recipe under the same name.
    project.write("cofferdam.yaml", copyTo("o/{in.name}", "cat"));
    expect(await project.sums()).toMatchObject({ done: 1, failed: 0 });
  });
});

function copyTo(out: string, command = "cp"): string {
  const words = command === "cp" ? '[cp, "{in}", "{out}"]' : `[${command}, "{in}"]`;
  return `stages:\n  copy: { each: "in/*", run: ${words}, out: "${out}" }\n`;
}
