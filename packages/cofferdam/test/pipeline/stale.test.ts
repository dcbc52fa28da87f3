/** What an item is made of besides its input: a change of it is seen. */
import { describe, expect, it } from "vitest";
import { hashCode } from "../../src/pipeline/plan/code-hash.ts";
import { Project } from "./support.ts";

describe("the code of a stage", () => {
  const files = {
    "work.py":
      "import os, helper as h\nfrom pkg.x import (\n  y,  # more\n  z as w,\n)\nfrom . import near\n",
    "helper.py": "if True: import deep.er",
    "deep/er.py": "",
    "pkg/__init__.py": "",
    "pkg/x/__init__.py": "from ..beside import one\nfrom .own import two\n",
    "pkg/x/z.py": "",
    "pkg/x/own.py": "",
    "pkg/beside.py": "",
    "near.py": "",
    "other.py": "",
    "work.mjs": `import { createRequire } from "node:module";
import "./first.mjs";
const load = createRequire(import.meta.url);
load("./second.cjs");
createRequire(import.meta.url)("./third");
new Worker(new URL("./fourth.js", import.meta.url));
write("./results.json");`,
    "first.mjs": "",
    "second.cjs": 'require("./fifth")',
    "third.json": "{}",
    "fourth.js": "",
    "fifth/index.js": "",
    "results.json": "{}",
    "other.mjs": "",
  };

  it.each([
    ...["helper.py", "deep/er.py", "pkg/__init__.py", "pkg/x/__init__.py", "pkg/x/z.py"],
    ...["pkg/x/own.py", "pkg/beside.py", "near.py"],
  ])("is also %s, which a Python file imports", (name) => {
    expect(changes(name, "work.py", "python")).toBe(true);
  });

  it.each(["first.mjs", "second.cjs", "third.json", "fourth.js", "fifth/index.js"])(
    "is also %s, which a module loads",
    (name) => {
      expect(changes(name, "work.mjs", "js")).toBe(true);
    },
  );

  it.each([
    ["other.py", "work.py", "python"],
    ["other.mjs", "work.mjs", "js"],
    ["results.json", "work.mjs", "js"],
  ] as const)("is not %s", (name, entry, language) => {
    expect(changes(name, entry, language)).toBe(false);
  });

  function changes(name: string, entry: string, language: "js" | "python"): boolean {
    using project = new Project(files);
    const before = hashCode(project.path(entry), language);
    project.write(name, `${project.read(name)}\n# changed`);
    return hashCode(project.path(entry), language) !== before;
  }

  it("makes its items run again", async () => {
    using project = new Project({
      "in/a": "1",
      "helper.py": 'def f(): return "old"',
      "work.py": "import helper\ndef run(item):\n    return helper.f()\n",
      "h.cjs": 'module.exports = () => "old";',
      "w.mjs":
        'import { createRequire } from "node:module";\nconst h = createRequire(import.meta.url)("./h.cjs");\nexport default () => h();',
      "cofferdam.yaml": `
stages:
  py: { each: "in/*", python: work.py, out: "o/{in.name}" }
  js: { each: "in/*", module: w.mjs, out: "j/{in.name}" }`,
    });
    expect(await project.sums()).toMatchObject({ done: 2 });
    project.write("helper.py", 'def f(): return "new"');
    project.write("h.cjs", 'module.exports = () => "new";');
    expect((await project.run()).stderr).toMatch(/py: 1 to run\n {2}1 {2}code changed\njs: 1 to/);
    expect([project.read("o/a"), project.read("j/a")]).toEqual(["new", "new"]);
  });
});

describe("a folder of outputs", () => {
  it("is made again when one of its files is gone", async () => {
    using project = new Project({
      "in/a": "1",
      "cofferdam.yaml": `
stages:
  split: { each: "in/*", run: [sh, -c, "echo 1 >$1/p1; echo 2 >$1/p2", sh, "{out}"], out: "s/{in.name}/" }
  page: { from: split, run: [cp, "{in}", "{out}"], out: "pages/{in.name}" }`,
    });
    expect(await project.sums()).toMatchObject({ done: 3 });
    project.remove("s/a/p2");
    const { code, stderr } = await project.run();
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/1 {2}output missing[^]*1 done · 2 sk/),
    ]);
    expect(project.has("s/a/p2")).toBe(true);
  });
});
