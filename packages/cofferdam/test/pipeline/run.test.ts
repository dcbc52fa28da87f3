/** `cofferdam run` as a program: what runs, why, and what comes of it. */
import { execFileSync } from "node:child_process";
import { symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Project } from "./support.ts";

/** Marks each item that it works on, so that a test sees what ran. */
const marking = "echo $1 >>marks; tr a-z A-Z <$1 >$2";

function textProject(more = ""): Project {
  return new Project({
    "in/a.txt": "one",
    "in/b.txt": "two",
    "in/deep/c.txt": "three",
    "cofferdam.yaml": `
params: { lang: en, other: 1 }
stages:
  upper:
    each: "in/**/*.txt"
    run: [sh, -c, ${JSON.stringify(marking)}, sh, "{in}", "{out}"]
    out: "out/{in.dir}/{in.stem}.up"
    track: [params.lang, "tool:./tool.sh"]
${more}`,
    "tool.sh": "#!/bin/sh\necho tool 1",
  });
}

describe("cofferdam run", () => {
  it("runs what is new, and nothing twice", async () => {
    using project = textProject();
    const first = await project.run();
    expect(first.stderr).toMatch(/upper: 3 to run\n {2}3 {2}new\n/);
    expect(first.stderr).toMatch(/3 done · 0 failed/);
    expect(first.code).toBe(0);
    expect(project.read("out/in/deep/c.up")).toBe("THREE");
    const second = await project.run();
    expect(second.stderr).toMatch(/0 done · 3 skipped · 0 failed/);
    expect(project.marks()).toHaveLength(3);
    expect(await project.status()).toMatchObject({ upper: { discovered: 3, done: 3, pending: 0 } });
    expect(project.read(".cofferdam/.gitignore")).toBe("*\n");
    expect(project.has(".cofferdam/unfinished")).toBe(false);
  });

  it.each<[string, string, number, (project: Project) => void]>([
    ["input changed", "in/a.txt", 1, (project) => project.write("in/a.txt", "other")],
    ["param lang: en → de", "in/a.txt", 3, (project) => replace(project, "lang: en", "lang: de")],
    ["command changed", "in/a.txt", 3, (project) => replace(project, "tr a-z", "tr -s a-z")],
    ["output missing", "in/b.txt", 1, (project) => project.remove("out/in/b.up")],
    ["forced", "in/a.txt", 3, () => undefined],
    [
      "out: out/{in.dir}/{in.stem}.up → out/{in.dir}/{in.stem}.UP",
      "in/a.txt",
      3,
      (project) => replace(project, ".up", ".UP"),
    ],
  ])("runs again, and says why: %s", async (reason, item, count, change) => {
    using project = textProject();
    await project.run();
    project.remove("marks");
    change(project);
    const flags = reason === "forced" ? ["--force"] : [];
    const why = await project.run("--why", item, ...flags);
    expect(why.stdout).toBe(`upper: ${item} will run: ${reason}\n`);
    expect(project.has("marks")).toBe(false);
    const { stderr } = await project.run(...flags);
    expect(stderr).toContain(`  ${count}  ${reason}\n`);
    expect(project.marks()).toHaveLength(count);
    expect(await project.sums()).toMatchObject({ done: 0, skipped: 3 });
  });

  it("runs again when a tool says another version, and not for what it does not track", async () => {
    using project = textProject();
    const { chmodSync } = await import("node:fs");
    chmodSync(project.path("tool.sh"), 0o755);
    await project.run();
    replace(project, "other: 1", "other: 2");
    utimesSync(project.path("in/a.txt"), 1, 1);
    project.write("unrelated.txt", "");
    expect(await project.sums()).toMatchObject({ done: 0, skipped: 3 });
    project.write("tool.sh", "#!/bin/sh\necho tool 2");
    expect((await project.run()).stderr).toContain("3  tool ./tool.sh: tool 1 → tool 2\n");
  });

  it("runs again when a tracked file, or anything in a tracked folder, is another", async () => {
    using project = textProject();
    replace(project, '"tool:./tool.sh"', '"file:rules.txt", "file:rules"');
    expect((await project.run()).code).toBe(0);
    const changes: [string, () => void][] = [
      ["rules.txt", () => project.write("rules.txt", "a")],
      ["rules", () => project.write("rules/deep/.hidden", "a")],
      ["rules", () => project.write("rules/deep/.hidden", "b")],
      ["rules", () => symlinkSync(project.path("rules"), project.path("rules/deep/circle"))],
      ["rules", () => symlinkSync("nowhere", project.path("rules/dangling"))],
      ["rules", () => writeFileSync(Buffer.from(`${project.path("rules")}/x\xff`, "latin1"), "")],
      ["rules", () => project.remove("rules/deep/.hidden")],
    ];
    for (const [changed, change] of changes) {
      change();
      expect((await project.run()).stderr).toContain(`3  file ${changed} changed\n`);
      expect(await project.sums()).toMatchObject({ done: 0, skipped: 3 });
    }
  });

  it("says what is tracked and is not there", async () => {
    using project = textProject();
    replace(project, '"tool:./tool.sh"', '"file:rulez.txt", "tool:./tol.sh"');
    const { code, stderr } = await project.run();
    expect(code).toBe(0);
    expect(stderr).toContain(
      "warning: upper tracks file:rulez.txt, and there is no such file; once it is there, all of the stage is done again\n",
    );
    expect(stderr).toContain("warning: upper tracks tool:./tol.sh, which is not installed;");
    expect(await project.sums()).toMatchObject({ done: 0, skipped: 3 });
  });

  it("does not track what runs leave in a folder, and refuses one that they write into", async () => {
    using project = textProject();
    replace(project, '"tool:./tool.sh"', '"file:rules"');
    project.write("rules/a.py", "a = 1");
    await project.run();
    project.write("rules/__pycache__/a.pyc", "compiled");
    expect(await project.sums()).toMatchObject({ done: 0, skipped: 3 });
    replace(project, "file:rules", "file:.");
    const { code, stderr } = await project.run();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /yaml:8:\d+: stages\.upper\.track\.1 has "file:\.", into which the stage upper writes \(out\)/,
    );
    expect(project.marks()).toHaveLength(3);
  });

  it("does not wait for a tracked path that nothing can be read from", async () => {
    using project = textProject();
    replace(project, "tool:./tool.sh", "file:pipe");
    execFileSync("mkfifo", [project.path("pipe")]);
    const { code, stderr } = await project.run();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /pipe is tracked and cannot be read \(it is neither a file nor a folder/,
    );
  });

  it("forgets what is gone, meets what is new, follows links", async () => {
    using project = textProject();
    await project.run();
    project.remove("in/a.txt");
    project.write("elsewhere/d.txt", "four");
    symlinkSync(project.path("elsewhere"), project.path("in/link"));
    symlinkSync(project.path("in"), project.path("in/deep/circle"));
    const { stderr } = await project.run();
    expect(stderr).toMatch(/upper: 1 to run, 2 unchanged, 1 gone/);
    expect(project.read("out/in/link/d.up")).toBe("FOUR");
  });

  it("shows what it would do without doing it", async () => {
    using project = textProject();
    const { stdout, code } = await project.run("--dry-run");
    expect([stdout, code]).toEqual(["upper: 3 to run\n  3  new\n", 0]);
    expect(project.has("out")).toBe(false);
    expect(await project.status()).toMatchObject({ upper: { discovered: 0 } });
  });

  it("takes what a command prints for its output, and lines for items", async () => {
    using project = new Project({
      "ids.txt": "x/1\ny 2\nx/1\n",
      "cofferdam.yaml": `
stages:
  print: { each: { lines: ids.txt }, run: [printf, "<%s>\\\\377", "{item}"], out: "o/{in.name}.bin" }`,
    });
    expect(await project.sums()).toMatchObject({ done: 2 });
    expect(project.read("o/y 2.bin")).toBe("<y 2>�");
    project.write("ids.txt", "y 2\nz\n");
    expect((await project.run()).stderr).toMatch(/print: 1 to run, 1 unchanged, 1 gone/);
  });
});

describe("stages", () => {
  const chain = `
  count: { from: upper, run: [sh, -c, "echo count $1 >>marks; wc -c <$1", sh, "{in}"], out: "n/{in.dir}/{in.stem}.n" }
  sum: { from: count, gather: all, run: [sh, -c, "echo sum >>marks; xargs cat <$1", sh, "{in}"], out: sum.txt }`;

  it("stream into one another, and only what follows from a change runs again", async () => {
    using project = textProject(chain);
    expect(await project.sums()).toMatchObject({ done: 7, failed: 0 });
    expect(project.read("sum.txt")).toBe("3\n3\n5\n");
    project.remove("marks");
    // Of the same length: its count comes out the same, and so nothing is summed again.
    project.write("in/a.txt", "six");
    expect(await project.sums()).toMatchObject({ done: 2, skipped: 5 });
    project.remove("marks");
    project.write("in/a.txt", "seven");
    await project.run();
    expect(project.marks()).toEqual(["count out/in/a.up", "in/a.txt", "sum"]);
    expect(project.read("sum.txt")).toBe("5\n3\n5\n");
    project.remove("in/b.txt");
    await project.run();
    expect(project.read("sum.txt")).toBe("5\n5\n");
    expect(await project.status()).toMatchObject({ count: { discovered: 2 }, sum: { done: 1 } });
  });

  it("run by name with what they need, or alone", async () => {
    using project = textProject(chain);
    expect(await project.sums("count", "--only")).toMatchObject({ done: 0, failed: 0 });
    expect(await project.sums("upper")).toMatchObject({ done: 3 });
    expect(await project.sums("count", "--only")).toMatchObject({ done: 3, failed: 0 });
    expect(await project.sums("sum")).toMatchObject({ done: 1, skipped: 6 });
    const wrong = await project.run("uper");
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining('did you mean "upper"?'),
    ]);
  });

  it("run each as a process of its own", async () => {
    using project = textProject(chain);
    const { code, stderr } = await project.run("--stages-as-processes");
    expect(code).toBe(0);
    expect(stderr.match(/left \(verified|seen/g)?.length).toBeGreaterThanOrEqual(3);
    expect(project.read("sum.txt")).toBe("3\n3\n5\n");
    expect(await project.sums()).toMatchObject({ done: 0, skipped: 7 });
  });

  it.each([
    ["every item of the last stage", { copy: "true", check: "false" }, 3],
    ["every item of the first stage", { copy: "false", check: "true" }, 2],
  ])("end with one code, as processes too, where %s fails", async (_, { copy, check }, code) => {
    const runs = [[], ["--stages-as-processes"], ["--stages-as-processes", "--allow-partial"]];
    const codes = runs.map(async (options) => {
      using project = new Project({
        "in/a.txt": "1\n",
        "in/b.txt": "2\n",
        "cofferdam.yaml": `
stages:
  copy: { each: "in/*.txt", run: [sh, -c, "${copy} && cat $1", sh, "{in}"], out: "copy/{in.name}" }
  check: { from: copy, run: [sh, -c, "${check} && cat $1", sh, "{in}"], out: "check/{in.name}" }`,
      });
      return (await project.run(...options)).code;
    });
    expect(await Promise.all(codes)).toEqual([code, code, code === 3 ? 0 : code]);
  });

  it("are not begun, as processes either, after one that was stopped", async () => {
    using project = new Project({
      "in/a.txt": "1\n",
      "in/b.txt": "2\n",
      "cofferdam.yaml": `
stages:
  copy: { each: "in/*.txt", run: [sh, -c, "! grep 2 $1", sh, "{in}"], out: "copy/{in.name}" }
  check: { from: copy, run: [sh, -c, "echo >>marks; cat $1", sh, "{in}"], out: "check/{in.name}" }`,
    });
    const { code, stderr } = await project.run("--stages-as-processes", "--stop");
    expect([code, stderr]).toEqual([2, expect.stringContaining("stopped:")]);
    expect(project.has("copy/a.txt")).toBe(true);
    expect(project.has("marks")).toBe(false);
  });

  it("make one into many and gather by group", async () => {
    using project = new Project({
      "in/a.txt": "1\n2\n3\n",
      "in/b.txt": "4\n",
      "cofferdam.yaml": `
stages:
  cut: { each: "in/*.txt", run: [split, -l, "1", -a, "1", "{in}", "{out}/"], out: "cut/{in.stem}/" }
  each: { from: cut, run: [cat, "{in}"], out: "copy/{in.path}" }
  join: { from: each, gather: "{in.dir}", run: [sh, -c, "xargs cat <$1", sh, "{in}"], out: "{item}.joined" }`,
    });
    expect(await project.sums()).toMatchObject({ done: 8, failed: 0 });
    expect(project.read("copy/cut/a.joined")).toBe("1\n2\n3\n");
    project.write("in/a.txt", "1\n3\n");
    const { stderr } = await project.run();
    expect(stderr).toMatch(/3 done · 4 skipped/);
    expect(project.read("copy/cut/a.joined")).toBe("1\n3\n");
    expect(project.has("cut/a/c")).toBe(false);
  });

  it("wait at a barrier until the workers before are gone, and keep those that go on warm", async () => {
    using project = new Project({
      "in/a.txt": "",
      "in/b.txt": "",
      "work.ts": `
import { appendFileSync } from "node:fs";
export default (item: { key: string }) => {
  appendFileSync("pids", process.pid + "\\n");
  return item.key;
};
export function look() {
  appendFileSync("looks", process.pid + "\\n");
}`,
      "cofferdam.yaml": `
stages:
  one: { each: "in/*.txt", module: work.ts, out: "one/{in.name}", workers: 1 }
  two: { from: one, module: work.ts, out: "two/{in.name}", workers: 1, barrier: true }
  three: { from: two, run: [sh, -c, "ls /proc | grep -c '^[0-9]' >$1", sh, "{out}"], out: "three/{in.name}", barrier: true }`,
    });
    expect(await project.sums()).toMatchObject({ done: 6, failed: 0 });
    expect(new Set(project.marks("pids")).size).toBe(1);
  });
});

describe("modules", () => {
  it("get the item and what it tracks, and run again when their code or what it imports changes", async () => {
    using project = new Project({
      "in/a.txt": "text",
      "work.ts": `
import { readFileSync } from "node:fs";
import { suffix } from "./suffix.ts";
import type { StageItem } from "cofferdam";
export function shout(item: StageItem): string {
  const { lang, other } = item.params as { lang?: string; other?: string };
  return [readFileSync(item.in, "utf8"), item.key, lang, other, item.attempt, suffix].join(" ");
}`,
      "suffix.ts": 'export const suffix = "!";',
      "cofferdam.yaml": `
stages:
  shout: { each: "in/*.txt", module: ./work.ts, function: shout, out: "{in.stem}.out", track: [params.lang] }`,
      "params.yaml": "lang: fr\nother: hidden\n",
    });
    await project.run();
    expect(project.read("a.out")).toBe("text in/a.txt fr  1 !");
    project.write("suffix.ts", 'export const suffix = "?";');
    expect((await project.run()).stderr).toContain("1  code changed");
    project.write("params.yaml", "lang: it\nother: changed\n");
    expect((await project.run()).stderr).toContain("1  param lang: fr → it");
  });
});

function replace(project: Project, text: string, by: string): void {
  project.write("cofferdam.yaml", project.read("cofferdam.yaml").replace(text, by));
}
