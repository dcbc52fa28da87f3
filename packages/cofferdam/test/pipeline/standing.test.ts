/** One bad item, one bad name, one look at the wrong moment: what it costs the rest. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { until } from "../../../../test/support/processes.ts";
import { Project } from "./support.ts";

describe("the rest is done", () => {
  it("beside an item that is too long for the system", async () => {
    using project = new Project({
      lines: `a first\n${"m".repeat(200_000)}\nz last\n`,
      "cofferdam.yaml": `
stages:
  s: { each: { lines: lines }, run: [echo, "{item}"], workers: 1 }`,
    });
    const { code } = await project.run("--progress", "none");
    expect([code, await project.status()]).toMatchObject([3, { s: { done: 2, quarantined: 1 } }]);
  });

  it("beside files and a folder whose names are not UTF-8, which are told one by one", async () => {
    using project = new Project({
      "in/good.txt": "1",
      "in/\uFFFD.txt": "a name of its own",
      "cofferdam.yaml": `
stages:
  s: { each: "in/**/*.txt", run: [cp, "{in}", "{out}"], out: "o/{in.name}" }`,
    });
    const named = (byte: number, more = ""): Buffer =>
      Buffer.concat([Buffer.from(project.path("in/x")), Buffer.from([byte]), Buffer.from(more)]);
    for (const byte of [0xff, 0xfe]) writeFileSync(named(byte, ".txt"), "1");
    mkdirSync(named(0xfd));
    for (let time = 0; time < 2; time++) {
      const { code, stderr } = await project.run();
      expect(code).toBe(3);
      for (const name of ["in/x\\xfe.txt", "in/x\\xff.txt", "in/x\\xfd"])
        expect(stderr).toContain(`s: ${name} is refused: its name is not UTF-8`);
      expect(await project.status()).toMatchObject({ s: { discovered: 5, done: 2, failed: 3 } });
    }
  });

  it("from every folder that `each` names, also from above", async () => {
    using project = new Project({
      "other/b.txt": "",
      "below/!a.txt": "",
      "below/t.txt": "",
      "below/cofferdam.yaml": `
stages:
  s: { each: ["*.txt", "../other/*.txt"], run: [sh, -c, 'echo "\${1##*/}" >>marks', sh, "{in}"] }`,
    });
    await project.run("below/cofferdam.yaml");
    expect(project.marks("below/marks")).toEqual(["!a.txt", "b.txt", "t.txt"]);
    const { stderr } = await project.run("below/cofferdam.yaml");
    expect(stderr).toContain("s: 3 unchanged\n");
  });

  it("by no more at once than the machine has memory for, over all stages", async () => {
    const run = `run: [sh, -c, 'mkdir lock || echo both >>marks; sleep 0.2; rmdir lock'], resources: { memory: `;
    const { totalmem } = await import("node:os");
    const memory = Math.floor(totalmem() * 0.6);
    using project = new Project({
      "in/a": "",
      "in/b": "",
      "cofferdam.yaml": `
stages:
  s: { each: "in/*", ${run}${memory} } }
  t: { each: "in/*", ${run}${memory} } }`,
    });
    expect(await project.sums("--workers", "4")).toMatchObject({ done: 4, failed: 0 });
    expect(project.marks()).toEqual([]);
  });
});

describe("while a run plans", () => {
  const files = {
    "in/a": "1",
    tool: "#!/bin/sh\nif test -e wait; then echo >asked; while test -e wait; do sleep 0.02; done; fi; echo 1",
    "cofferdam.yaml": `
stages:
  s: { each: "in/*", run: [cp, "{in}", "{out}"], out: "o/{in.name}", track: ["tool:./tool"] }`,
  };

  it("status tells what was recorded", async () => {
    using project = new Project(files);
    chmodSync(project.path("tool"), 0o755);
    await project.run();
    project.write("wait", "");
    const run = project.start("run");
    await until(() => project.has("asked"));
    const status = await project.cofferdam("status");
    expect([status.code, status.stderr]).toEqual([0, ""]);
    expect(status.stdout).toMatch(/^s +1 +1 /m);
    // It was not waited for.
    expect(project.has("wait")).toBe(true);
    project.remove("wait");
    expect((await run.finished).code).toBe(0);
  });

  it("SIGINT is heard, also while a tool is asked for its version", async () => {
    using project = new Project({ ...files, wait: "" });
    chmodSync(project.path("tool"), 0o755);
    const run = project.start("run");
    await until(() => project.has("asked"));
    process.kill(run.pid, "SIGINT");
    const { code, stderr } = await run.finished;
    expect([code, stderr]).toEqual([130, expect.stringContaining("planning was interrupted")]);
    expect(project.has("wait")).toBe(true);
  });
});

describe("a joblog", () => {
  const header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
  const pipeline = `
stages:
  s: { each: "in/*", run: ["true", "{in}"] }`;

  it.each([
    ["a line without an end", "important one-liner"],
    ["lines", "one\ntwo\n"],
    ["much without a line", "x".repeat(300_000)],
  ])("is not written over a file of others: %s", async (_, text) => {
    using project = new Project({ "in/a": "", notes: text, "cofferdam.yaml": pipeline });
    const { code, stderr } = await project.run("--joblog", "notes");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/notes is there and is no joblog/)]);
    expect(project.read("notes")).toBe(text);
  });

  it.each([
    ["an entry", `${header}1\thost\t`],
    ["its header", header.slice(0, 20)],
    ["nothing", ""],
  ])("goes on where one was cut off within %s", async (_, text) => {
    using project = new Project({ "in/a": "", log: text, "cofferdam.yaml": pipeline });
    expect((await project.run("--joblog", "log")).code).toBe(0);
    expect(project.read("log")).toMatch(/^Seq\t.*\n1\t.*\ts in\/a\n$/);
  });
});
