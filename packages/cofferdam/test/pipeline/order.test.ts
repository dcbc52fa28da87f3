/** What waits for what: nothing is made of what this run is about to make anew, or of too little. */
import { describe, expect, it } from "vitest";
import { until } from "../../../../test/support/processes.ts";
import { Project } from "./support.ts";

describe("stages that read one another", () => {
  it("run an item once, after what it is made of, where both have changed; the counts add up", async () => {
    const text = `
params: { p: 1 }
stages:
  a: { each: "in/*.txt", run: [cp, "{in}", "{out}"], out: "a/{in.name}" }
  b: { from: a, run: [cp, "{in}", "{out}"], out: "b/{in.name}" }
  c: { from: b, run: [sh, -c, 'echo "c{params.p} of $(cat $1)" >>marks; cat $1', sh, "{in}"], out: "c/{in.name}" }`;
    using project = new Project({ "in/a.txt": "one", "cofferdam.yaml": text });
    await project.run();
    project.write("in/a.txt", "two");
    project.write("cofferdam.yaml", text.replace("p: 1", "p: 2"));
    // One at a time, and those near the end first: c would run before a.
    await project.run("--workers", "1", "--report", "report.json");
    expect(project.marks()).toEqual(["c1 of one", "c2 of two"]);
    const { counts } = JSON.parse(project.read("report.json")) as { counts: unknown };
    expect(counts).toMatchObject({ total: 3, done: 3, skipped: 0, pending: 0 });
  });

  it("do not go on with what an earlier run has left, before its input is made anew", async () => {
    using project = new Project({
      "in/x": "one",
      wait: "",
      "cofferdam.yaml": `
stages:
  a: { each: "in/*", run: [sh, -c, 'grep -q one "$1" && cat "$1"', sh, "{in}"], out: "a/{in.name}" }
  b: { from: a, run: [sh, -c, 'echo >>marks; test -e wait && sleep 600; cat "$1"', sh, "{in}"], out: "b/{in.name}" }`,
    });
    const first = project.start("run");
    await until(() => project.has("marks"));
    process.kill(first.pid, "SIGINT");
    expect((await first.finished).code).toBe(130);
    project.remove("wait");
    project.write("in/x", "two");
    const { code, stderr } = await project.run();
    expect([code, stderr]).toEqual([2, expect.stringMatching(/b: 0 done · 0 failed · 1 pending/)]);
    expect(project.has("b/x")).toBe(false);
    // Nothing failed in this one, but something is left undone.
    expect((await project.run("--only", "b")).code).toBe(2);
    project.write("in/x", "one more");
    expect(await project.sums()).toMatchObject({ done: 2 });
    expect(project.read("b/x")).toBe("one more");
  });

  it("lead on from a group that is unchanged", async () => {
    const text = (more: string): string => `
stages:
  a: { each: "in/*", run: [cp, "{in}", "{out}"], out: "a/{in.name}" }
  sum: { from: a, gather: all, run: [sh, -c, "xargs cat <$1", sh, "{in}"], out: sum.txt }
  last: { from: sum, run: [sh, -c, "echo ${more} >>marks; cat $1", sh, "{in}"], out: "last/{in.name}" }`;
    using project = new Project({ "in/x": "one", "cofferdam.yaml": text("1") });
    await project.run();
    project.write("cofferdam.yaml", text("2"));
    const { code, stderr } = await project.run();
    expect([code, stderr]).toEqual([0, expect.stringMatching(/1 done · 2 skipped · 0 failed/)]);
    expect(project.marks()).toEqual(["1", "2"]);
    expect(await project.sums()).toMatchObject({ done: 0, skipped: 3 });
  });
});

describe("a gathering stage with inputs missing", () => {
  const text = (more = ""): string => `
stages:
  part: { each: "in/*.txt", run: [sh, -c, '! grep bad "$1" && cat "$1"', sh, "{in}"], out: "p/{in.name}" }
  same: { from: part, run: [cp, "{in}", "{out}"], out: "same/{in.name}" }
  sum: { from: same, gather: all, run: [sh, -c, 'xargs cat <"$1"', sh, "{in}"], out: "sum.txt"${more} }`;
  const files = { "in/a.txt": "1\n", "in/b.txt": "2\n", "in/c.txt": "bad" };

  it.each([["in one run"], ["alone", "--only", "sum"], ["as a process", "--stages-as-processes"]])(
    "is not run %s, and says so; with allowMissing it is",
    async (_, ...words) => {
      using project = new Project({ ...files, "cofferdam.yaml": text() });
      await project.run("same");
      const { code, stderr } = await project.run(...words);
      expect(stderr).toContain("sum is not run: inputs are missing (not done: 1 item of part)");
      expect(code).not.toBe(0);
      expect(project.has("sum.txt")).toBe(false);
      project.write("cofferdam.yaml", text(", allowMissing: true"));
      await project.run(...words);
      expect(project.read("sum.txt")).toBe("1\n2\n");
    },
  );

  it("keeps what it has made, and runs when they are there", async () => {
    using project = new Project({ ...files, "cofferdam.yaml": text() });
    project.write("in/c.txt", "3\n");
    await project.run();
    project.write("in/c.txt", "bad");
    expect((await project.run()).code).toBe(3);
    expect(project.read("sum.txt")).toBe("1\n2\n3\n");
    project.write("in/c.txt", "4\n");
    expect((await project.run()).code).toBe(0);
    expect(project.read("sum.txt")).toBe("1\n2\n4\n");
  });
});
