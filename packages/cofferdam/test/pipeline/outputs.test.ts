/** Where outputs go: never over what others have made, never where another item's goes. */
import { readdirSync } from "node:fs";
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

describe("an item's name that leads elsewhere", () => {
  it("is refused alone, by name and with the reason; nothing outside is written", async () => {
    using project = new Project({
      "below/ids": "a\nb\nz/..\n../../file\n/abs\n.\nx//y\n./a\n",
      "file.txt": "precious",
      "below/cofferdam.yaml": `
stages:
  s: { each: { lines: ids }, run: [echo, "page of {item}"], out: "pages/{item}" }
  t: { each: { lines: ids }, run: [echo, "page of {item}"], out: "texts/{item}.txt" }`,
    });
    const { code, stderr } = await project.run("below/cofferdam.yaml", "--force");
    expect(code).toBe(3);
    expect(stderr).toContain(
      's: z/.. is refused: its output would be "pages/z/..", which has ".." in it',
    );
    expect(stderr).toContain("t: ../../file is refused: its output would be");
    expect(stderr).toMatch(/s: 2 done · 6 failed\nt: 4 done · 4 failed/);
    expect(project.read("file.txt")).toBe("precious");
    expect(readdirSync(project.path("below/pages"))).toEqual(["a", "b"]);
    expect(readdirSync(project.path("below/texts")).sort()).toEqual([
      "..txt",
      "a.txt",
      "b.txt",
      "z",
    ]);
    const log = await project.cofferdam("log", "s:x//y", "--file", "below/cofferdam.yaml");
    expect(log.stdout).toContain('failed\n  refused: its output would be "pages/x//y", which has');
  });

  it("is refused for a file above the pipeline's folder, and not for one that lies in it", async () => {
    using project = new Project({
      "other/b.txt": "2",
      "below/t.txt": "1",
      "below/cofferdam.yaml": `
stages:
  up: { each: "../other/*.txt", run: [cp, "{in}", "{out}"], out: "md/{in.dir}/{in.name}" }
  here: { each: "*.txt", run: [cp, "{in}", "{out}"], out: "./here/{in.dir}/{in.name}" }
  flat: { each: "../other/*.txt", run: [cp, "{in}", "{out}"], out: "flat/{in.name}" }`,
    });
    const { code, stderr } = await project.run("below/cofferdam.yaml");
    expect(code).toBe(3);
    expect(stderr).toContain('up: ../other/b.txt is refused: its output would be "md/../other/b');
    expect(project.has("below/other/b.txt")).toBe(false);
    expect(project.read("below/here/t.txt")).toBe("1");
    expect(project.read("below/flat/b.txt")).toBe("2");
  });
});

describe("two items with one output", () => {
  const copied = `
  copy: { each: "in/**/*.txt", run: [cp, "{in}", "{out}"], out: "mid/{in.path}" }`;

  it.each([
    ["of a stage that reads files", `each: "in/**/*.txt"`, "flat/{in.stem}.txt", "in/x/s/a.txt"],
    ["by a separator", `each: "in/**/*.md"`, "flat/{in.dir}-{in.name}", "in/a-b/c.md"],
    ["of a stage that reads another", `from: copy`, "flat/{in.stem}.txt", "mid/in/x/s/a.txt"],
    ["of groups", `from: copy, gather: "{in.dir}"`, "sums/{in.name}.txt", "mid/in/x/s"],
  ])("stop the run before it begins: %s", async (_, source, out, one) => {
    using project = new Project({
      "in/x/s/a.txt": "one",
      "in/y/s/a.txt": "two",
      "in/a/b-c.md": "one",
      "in/a-b/c.md": "two",
      "cofferdam.yaml": `stages: {${copied},
  last: { ${source}, run: [cp, "{in}", "{out}"], out: "${out}" } }`,
    });
    const { code, stderr } = await project.run();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/last\.out gives ".*" and ".*" the/)]);
    expect(stderr).toContain(`"${one}"`);
    expect(project.has("mid")).toBe(false);
    // Also where all that it reads is there.
    await project.run("copy");
    expect((await project.run("--only", "last")).code).toBe(1);
  });

  it("of two stages stop the run, whichever of them is new", async () => {
    const stages = (one: string, other: string): string =>
      `stages:\n  one: { each: "in/*.txt", run: [cp, "{in}", "{out}"], out: "${one}" }\n` +
      `  other: { each: "in/*", run: [cp, "{in}", "{out}"], out: "${other}" }`;
    using project = new Project({
      "in/a.txt": "1",
      "in/b": "2",
      "cofferdam.yaml": stages("o/{in.stem}.txt", "o/{in.name}"),
    });
    const refusal =
      /other\.out gives "in\/a\.txt" and "in\/a\.txt" of one the same output "o\/a\.txt"; let the stages/;
    expect((await project.run()).stderr).toMatch(refusal);
    expect(project.has("o")).toBe(false);
    project.remove("in/a.txt");
    project.write("in/c.txt", "3");
    project.write("cofferdam.yaml", stages("o/x{in.stem}", "o/{in.name}"));
    expect((await project.run()).code).toBe(0);
    project.write("in/d.txt", "4");
    project.write("in/xd", "5");
    expect((await project.run()).stderr).toMatch(
      /other\.out gives "in\/xd" and "in\/d\.txt" of one the same output "o\/xd"/,
    );
  });

  it("of a stage and one that reads it stop the run; those of a folder are refused as they come", async () => {
    const command = `run: [sh, -c, 'cat "$1" >"$2"', sh, "{in}", "{out}"]`;
    using project = new Project({
      "in/a": "1",
      "cofferdam.yaml": `
stages:
  one: { each: "in/*", ${command}, out: "o/{in.stem}" }
  other: { from: one, ${command}, out: "o/{in.name}" }`,
    });
    expect((await project.run()).stderr).toMatch(
      /other\.out gives "o\/a" and "in\/a" of one the same output "o\/a"/,
    );
    project.write(
      "cofferdam.yaml",
      `
stages:
  one: { each: "in/*", run: [cp, "{in}", "{out}/p"], out: "s/{in.name}/" }
  other: { each: "in/*", ${command}, out: "pages/{in.name}" }
  third: { from: one, ${command}, out: "pages/{in.stem}" }`,
    );
    project.write("in/p", "2");
    const { code, stderr } = await project.run();
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /third: s\/[ap]\/p is refused: .*"pages\/p", which is that of "in\/p" of other/,
    );
    expect(project.read("pages/p")).toBe("2");
  });

  it("are refused but for one when they come to be known meanwhile, then stop the next run", async () => {
    using project = new Project({
      "in/a": "1",
      "in/b": "2",
      "cofferdam.yaml": `
stages:
  split: { each: "in/*", run: [cp, "{in}", "{out}/p"], out: "s/{in.name}/" }
  page: { from: split, run: [cp, "{in}", "{out}"], out: "pages/{in.name}" }`,
    });
    const { code, stderr } = await project.run();
    expect([code, stderr]).toEqual([3, expect.stringMatching(/page: 1 done · 1 failed/)]);
    expect(stderr).toMatch(
      /page: s\/[ab]\/p is refused: .*"pages\/p", which is that of "s\/[ab]\/p"/,
    );
    const again = await project.run();
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringMatching(/page\.out gives "s\/a\/p" and "s\/b\/p" the same output "pages\/p"/),
    ]);
    // With another pattern both have a place, and the one that was refused too.
    project.write(
      "cofferdam.yaml",
      project.read("cofferdam.yaml").replace("pages/{in.name}", "pages/{in.path}"),
    );
    expect(await project.sums()).toMatchObject({ done: 2, skipped: 2, failed: 0 });
  });

  it("are looked for, and not assumed, where a pattern could give one", async () => {
    using project = new Project({
      "in/1-a.txt": "1",
      "in/2-a.txt": "2",
      "cofferdam.yaml": `
stages: {${copied},
  last: { from: copy, run: [cp, "{in}", "{out}"], out: "last/{in.stem}.{in.ext}" } }`,
    });
    expect(await project.sums()).toMatchObject({ done: 4 });
    expect(await project.sums()).toMatchObject({ done: 0, skipped: 4 });
  });
});
