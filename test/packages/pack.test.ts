/** What is published: packed, checked, installed into an empty project and used there. */
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as sources from "cofferdam";
import { publint } from "publint";
import { beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../support/program.ts";
import { findOldestNode, findTooOldNode, oldestNode } from "./support/nodes.ts";
import { run, runOrFail } from "./support/run.ts";
import { copyWorkspace, findPublicPackages, readManifest, root } from "./support/workspace.ts";

const packages = findPublicPackages();
const keeperPackage = packages.find(({ manifest }) => manifest.cpu)?.manifest.name;
const paper = join(root, "examples", "papers", "site-memo.pdf");
const fixture = fileURLToPath(new URL("./fixtures/project", import.meta.url));
const attw = join(root, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

/** Of the user's project, and not a file beside it: the editor and the linter would obey that. */
const compilerOptions = {
  target: "ES2022",
  module: "NodeNext",
  types: ["node"],
  strict: true,
  skipLibCheck: false,
};

const tarballs = new Map<string, string>();
let project = "";
let bin = "";

beforeAll(async () => {
  const workspace = mkdtempSync(join(tmpdir(), "w-"));
  project = mkdtempSync(join(tmpdir(), "p-"));
  bin = join(project, "node_modules", ".bin", "cofferdam");
  await pack(workspace);
  await install();
}, 600_000);

async function pack(workspace: string): Promise<void> {
  copyWorkspace(workspace, packages);
  const folders = packages.map(({ folder }) => `./${folder}`);
  const out = ["--pack-destination", workspace];
  await runOrFail("npm", ["pack", ...out, ...folders], { cwd: workspace });
  for (const { manifest } of packages) {
    const stem = manifest.name.replace(/^@/, "").replace("/", "-");
    tarballs.set(manifest.name, join(workspace, `${stem}-${manifest.version}.tgz`));
  }
}

async function install(): Promise<void> {
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  const wanted = [...tarballs.values(), "@types/node@24"];
  await runOrFail("npm", ["install", ...flags, ...wanted], { cwd: project });
  cpSync(fixture, project, { recursive: true });
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
}

/** The containment that `cofferdam exec` finds, from its report. */
async function containmentBy(execute: (args: string[]) => Promise<unknown>): Promise<unknown> {
  const file = join(project, "report.json");
  await execute(["exec", "--report", file, "--", "true"]);
  return (JSON.parse(readFileSync(file, "utf8")) as { containment: unknown }).containment;
}

describe.each(packages.map(({ manifest }) => manifest.name))("the package %s", (name) => {
  it("is clean by publint", async () => {
    const packed = readFileSync(tarballs.get(name) ?? "");
    const tarball = new Uint8Array(packed).buffer;
    const { messages } = await publint({ pack: { tarball }, strict: true });
    expect(messages).toEqual([]);
  });

  it("is clean by are-the-types-wrong", async () => {
    const args = [attw, tarballs.get(name) ?? "", "--profile", "esm-only", "--no-color"];
    const { code, stdout } = await run(process.execPath, args);
    expect(code, stdout).toBe(0);
  });

  it("has a licence, and declarations that import what is there", () => {
    const folder = join(project, "node_modules", name);
    expect(existsSync(join(folder, "LICENSE"))).toBe(true);
    for (const file of globSync(join(folder, "dist/**/*.d.ts")))
      expect(readFileSync(file, "utf8"), file).not.toMatch(/["']\.[^"'\n]*\.ts["']/);
  });

  it("asks for optional packages that are published, in the same version", () => {
    const { optionalDependencies = {} } = readManifest(join(project, "node_modules", name));
    for (const [wanted, version] of Object.entries(optionalDependencies)) {
      const folder = join(root, "packages", wanted.replace("@cofferdam/", ""));
      const { name, version: found, private: unpublished = false } = readManifest(folder);
      expect({ name, found, unpublished }).toEqual({
        name: wanted,
        found: version,
        unpublished: false,
      });
    }
  });
});

describe("installed into an empty project", () => {
  it("exports what the sources export, and no more", async () => {
    const print = 'import("cofferdam").then((all) => console.log(Object.keys(all).join()))';
    const installed = await run(process.execPath, ["-e", print], { cwd: project });
    expect(installed.stdout.trim().split(",")).toEqual(Object.keys(sources).sort());
  });

  it("compiles a user's program, libraries checked too", async () => {
    const { code, stdout } = await run(process.execPath, [tsc, "-p", project]);
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });

  describe.each([["the Node of the tests"], [`Node ${oldestNode}`]])("on %s", (which) => {
    let node: string | null = null;
    beforeAll(async () => {
      node = which.includes(oldestNode) ? await findOldestNode() : process.execPath;
    }, 600_000);

    it("cofferdam exec", async ({ skip }) => {
      if (node === null) return skip(`skipped, because Node ${oldestNode} cannot be had here`);
      const ran = await run(node, [bin, "exec", "--", "echo", "hello"], { cwd: project });
      expect(ran).toMatchObject({ code: 0, stdout: "hello\n" });
    });

    it("cofferdam map", async ({ skip }) => {
      if (node === null) return skip(`skipped, because Node ${oldestNode} cannot be had here`);
      const words = ["map", "--keep-order", "--", "echo", "{}", ":::", "one", "two"];
      const ran = await run(node, [bin, ...words], { cwd: project });
      expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: "one\ntwo\n" });
    });

    it("cofferdam run, and all that looks at a pipeline", async ({ skip }) => {
      if (node === null) return skip(`skipped, because Node ${oldestNode} cannot be had here`);
      const cwd = mkdtempSync(join(project, "pipeline-"));
      writeFileSync(join(cwd, "a.txt"), "3\n1\n2\n");
      writeFileSync(
        join(cwd, "cofferdam.yaml"),
        `stages:
  sorted: { each: "*.txt", run: [sort, -o, "{out}", "{in}"], out: "sorted/{in.name}" }
  bad: { from: sorted, run: ["false"] }
`,
      );
      const cofferdam = (...words: string[]) => run(node ?? "", [bin, ...words], { cwd });
      const ran = await cofferdam("run");
      expect(ran.stderr).toMatch(
        /sorted: 1 done · 0 failed\nbad: 0 done · 0 failed · 1 quarantined/,
      );
      expect(ran.code).toBe(3);
      expect(readFileSync(join(cwd, "sorted/a.txt"), "utf8")).toBe("1\n2\n3\n");
      expect((await cofferdam("status")).stdout).toMatch(/^sorted +1 +1 +0/m);
      expect((await cofferdam("log", "sorted/a.txt")).stdout).toMatch(
        /false ended with exit code 1/,
      );
      expect((await cofferdam("replay", "sorted/a.txt")).code).toBe(1);
      expect((await cofferdam("run", "sorted", "--stages-as-processes")).code).toBe(0);
    });

    it("what looks at the machine", async ({ skip }) => {
      if (node === null) return skip(`skipped, because Node ${oldestNode} cannot be had here`);
      expect((await run(node, [bin, "doctor"], { cwd: project })).stdout).toMatch(/^containment/im);
      expect(await run(node, [bin, "sweep", "--dry-run"], { cwd: project })).toMatchObject({
        code: 0,
      });
      expect((await run(node, [bin, "cache", "stats"], { cwd: project })).stderr).not.toMatch(
        /Cannot find module/,
      );
    });

    it("a scope, a command, a pool with a cache and a limit, and one in Python", async ({
      skip,
    }) => {
      if (node === null) return skip(`skipped, because Node ${oldestNode} cannot be had here`);
      const { code, stdout, stderr } = await run(node, ["main.js"], { cwd: project });
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        stdout: "hello\n",
        doubled: 42,
        reversed: [3, 2, 1],
        added: 42,
        measured: 6,
        kept: 6,
        report: { tasks: { lost: 0 }, processes: { left: 0 }, leaks: [] },
      });
    });

    it("cofferdam documents", async ({ skip }) => {
      if (node === null) return skip(`skipped, because Node ${oldestNode} cannot be had here`);
      if (!existsSync(paper)) return skip("skipped, because there are no example papers");
      const out = mkdtempSync(join(project, "out-"));
      const { code, stderr } = await run(node, [bin, "documents", paper, "--out", out], {
        cwd: project,
      });
      expect(code, stderr).toBe(0);
      expect(readFileSync(join(out, "site-memo.md"), "utf8")).toMatch(/^# /m);
    });

    it("cofferdam measurements", async ({ skip }) => {
      if (node === null) return skip(`skipped, because Node ${oldestNode} cannot be had here`);
      const cwd = mkdtempSync(join(project, "load-"));
      const measurements = [bin, "measurements"];
      const load = ["generate", "--files", "20", "--runs", "5", "--faulty", "0"];
      expect(await run(node, [...measurements, ...load], { cwd })).toMatchObject({ code: 0 });
      const { code, stderr } = await run(node, [...measurements, "pipeline"], { cwd });
      expect(code, stderr).toBe(0);
      const checked = await run(node, [...measurements, "check"], { cwd });
      expect(checked.stdout).toMatch(/^20 files, .* 20 segments: 0 differences\n$/);
    });
  });

  it("contains as the repository does", async ({ skip }) => {
    if (keeperPackage === undefined)
      return skip("skipped, because no static keeper can be built here");
    const keeper = join(project, "node_modules", keeperPackage, "cofferdam-keeper");
    const installed = await containmentBy((args) => run(process.execPath, [bin, ...args]));
    const ours = await containmentBy((args) => runCli(args, { env: { COFFERDAM_KEEPER: keeper } }));
    expect(installed).toEqual(ours);
    expect(installed).not.toMatchObject({ tree: "group" });
  });

  it("contains by process groups without the platform's package, and says so", async () => {
    const modules = join(project, "node_modules");
    const aside = join(project, "aside");
    if (keeperPackage !== undefined) renameSync(join(modules, keeperPackage), aside);
    try {
      const ran = await run(process.execPath, [bin, "exec", "--", "echo", "hello"], {
        cwd: project,
      });
      expect(ran).toMatchObject({ code: 0, stdout: "hello\n" });
      expect(ran.stderr).toMatch(/^cofferdam exec: containment is group only/);
    } finally {
      if (keeperPackage !== undefined) renameSync(aside, join(modules, keeperPackage));
    }
  });

  it("says in one line that a Node is too old", async ({ skip }) => {
    const old = await findTooOldNode();
    if (old === null) return skip("skipped, because there is no Node here that is too old");
    const { code, stdout, stderr } = await run(old, [bin, "exec", "--", "echo", "hello"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^cofferdam: Node 22\.18 or newer is needed; this is [\d.]+\n$/);
  });
});
