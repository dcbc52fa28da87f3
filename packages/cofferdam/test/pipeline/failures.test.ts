/** `cofferdam run` as a program: what fails, why, and what becomes of it. */
import { describe, expect, it } from "vitest";
import { Project } from "./support.ts";

describe("items that fail", () => {
  const failing = `
stages:
  work:
    each: "in/*.txt"
    run: [sh, -c, 'echo $1 >>marks; cat $1 >&2; . $1', sh, "{in}"]
    timeout: 2s
    grace: 50ms
`;

  it("go to quarantine by cause, with a folder, stay there, and come back on request", async () => {
    using project = new Project({
      "in/exit.txt": "exit 3",
      "in/ok.txt": "true",
      "in/signal.txt": "kill -SEGV $$",
      "in/hang.txt": "sleep 600",
      "cofferdam.yaml": failing,
    });
    const first = await project.run("--report", "report.json");
    expect(first.code).toBe(3);
    expect(first.stderr).toMatch(/quarantined work: in\/exit\.txt: EXIT/);
    const { failures } = JSON.parse(project.read("report.json")) as {
      failures: { item: string; cause: string; folder: string; environment: string[] }[];
    };
    expect(Object.fromEntries(failures.map(({ item, cause }) => [item, cause]))).toEqual({
      "in/exit.txt": "exit",
      "in/signal.txt": "signal",
      "in/hang.txt": "timeout",
    });
    expect(failures[0]?.environment).toContain("PATH");
    const log = await project.cofferdam("log", "in/exit.txt");
    expect(log.stdout).toMatch(/quarantined[^]*EXIT \(exit\) after 1 try[^]*stderr:\n {4}exit 3/);
    const replay = await project.cofferdam("replay", "in/exit.txt");
    expect([replay.code, replay.stderr]).toEqual([3, expect.stringContaining("exit 3")]);

    const again = await project.run();
    expect(again.stderr).toMatch(/work: 1 unchanged, 3 in quarantine/);
    expect(again.code).toBe(3);
    expect((await project.run("--allow-partial")).code).toBe(0);
    project.write("in/exit.txt", "exit 0");
    expect((await project.run()).stderr).toMatch(/1 {2}input changed/);
    expect((await project.cofferdam("log", "in/exit.txt")).stdout).toMatch(/done/);
    expect((await project.run("--retry-failed")).stderr).toMatch(/2 {2}retried on request/);
  });

  it("count an exit with 0 and no output as one", async () => {
    using project = new Project({
      "in/a.txt": "",
      "cofferdam.yaml": `
stages:
  nothing: { each: "in/*.txt", run: ["true", "{out}"], out: "o/{in.name}" }`,
    });
    const { code, stderr } = await project.run();
    expect(code).toBe(2);
    expect(stderr).toMatch(/NO_OUTPUT: it ended well, but did not write its output/);
    expect(project.has("o/a.txt")).toBe(false);
  });

  it("are tried again by cause, with more memory after too little", async () => {
    using project = new Project({
      "in/a.txt": "",
      "hungry.py": "import os\nb = bytearray(120_000_000)\nopen('marks', 'a').write('x\\n')\n",
      "cofferdam.yaml": `
stages:
  flaky:
    each: "in/*.txt"
    run: [sh, -c, 'echo f >>tries; test "$(wc -l <tries)" -ge 3']
    retry: { attempts: 2, on: [exit] }
  hungry:
    each: "in/*.txt"
    run: [python3, hungry.py]
    resources: { memory: 60MB }
    retry: { attempts: 0, oom: { attempts: 2, memory: x2 } }`,
    });
    expect(await project.sums()).toMatchObject({ done: 2, failed: 0 });
    expect(project.marks("tries")).toHaveLength(3);
  });

  it("stop the run when it says so, and what runs comes to its end", async () => {
    using project = new Project({ "cofferdam.yaml": failing });
    for (let index = 0; index < 20; index++)
      project.write(`in/${String(index).padStart(2, "0")}.txt`, index < 3 ? "exit 1" : "true");
    const stopped = await project.run("--stop", "--workers", "2");
    expect(stopped.code).toBe(2);
    expect(stopped.stderr).toMatch(/stopped: an item of work failed/);
    expect(project.marks().length).toBeLessThan(6);
    const share = await project.run("--retry-failed", "--max-failed", "10%", "--workers", "1");
    expect(share.stderr).toMatch(/stopped: more than 10% of work failed: 3/);
    const status = await project.status();
    const { discovered, done, failed, quarantined, pending } = status["work"] ?? {};
    expect((done ?? 0) + (failed ?? 0) + (quarantined ?? 0) + (pending ?? 0)).toBe(discovered);
    expect((await project.run("--keep-going")).stderr).toMatch(/17 done|\d+ done/);
  });

  it("do not hide that a command is not there", async () => {
    using project = new Project({
      "in/a.txt": "",
      "in/b.txt": "",
      "cofferdam.yaml": `
stages:
  gone: { each: "in/*.txt", run: [no-such-command, "{in}"] }`,
    });
    const { code, stderr } = await project.run();
    expect(code).toBe(2);
    expect(stderr).toMatch(/stopped: gone: no-such-command could not be started/);
    expect(await project.status()).toMatchObject({ gone: { pending: 2 } });
  });
});
