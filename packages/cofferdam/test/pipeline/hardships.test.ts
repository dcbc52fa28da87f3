/** Full disks, unwritable folders, inputs that change, two runs at once: what is said, what is lost. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { until } from "../../../../test/support/processes.ts";
import { Project } from "./support.ts";

const copy = (run: string): string => `
stages:
  copy: { each: "in/*.txt", run: ${run}, out: "out/{in.name}", workers: 1 }`;

const isRoot = process.getuid?.() === 0;

function canMount(): boolean {
  const words = ["--mount", "--user", "--map-root-user", "mount", "-t", "tmpfs", "none", "/mnt"];
  return spawnSync("unshare", words).status === 0;
}

describe("a pipeline stands", () => {
  const mounts = canMount();

  it.skipIf(!mounts)(
    mounts ? "a full disk" : "a full disk (skipped, because nothing can be mounted here)",
    () => {
      using project = new Project({ "cofferdam.yaml": copy(`[cp, "{in}", "{out}"]`) });
      for (let index = 0; index < 9; index++) project.write(`in/${index}.txt`, "x".repeat(300_000));
      // A disk for the outputs alone, which holds six of nine; the next time it is larger.
      const script = `
set -e
cd "$1"
mkdir -p out
mount -t tmpfs -o size=2M none out
code=0
"$2" --conditions=cofferdam-source "$3" run --progress plain || code=$?
echo "first: $code, $(ls out | wc -l) there"
mount -o remount,size=100M out
"$2" --conditions=cofferdam-source "$3" run --progress plain
cat out/*.txt | wc -c`;
      const { stdout, stderr } = inNamespace(project, script);
      expect(stderr).toMatch(/stopped: the disk is full \(ENOSPC\) where outputs are made/);
      expect(stdout).toMatch(/^first: 2, [3-6] there\n2700000\n$/);
    },
  );

  it.skipIf(!mounts)(
    mounts
      ? "a full disk under its own state"
      : "a full disk under its own state (skipped, because nothing can be mounted here)",
    () => {
      using project = new Project();
      const script = `
cd "$1"
mount -t tmpfs -o size=1500k none "$1"
cd "$1"
mkdir in
for n in 1 2 3 4 5; do head -c 200000 /dev/zero >in/$n.txt; done
cat >cofferdam.yaml <<'END'
${copy(`[cat, "{in}"]`)}
END
"$2" --conditions=cofferdam-source "$3" run --progress plain; echo "first: $?"
mount -o remount,size=100M "$1"
"$2" --conditions=cofferdam-source "$3" run --progress plain; echo "second: $?"
cat out/*.txt | wc -c`;
      const { stdout, stderr } = inNamespace(project, script);
      expect(stdout).toMatch(/first: [12]\nsecond: 0\n1000000\n$/);
      expect(stderr).toMatch(/ENOSPC|disk is full/);
    },
  );

  it.skipIf(!mounts)(
    mounts
      ? "outputs on mounts of their own"
      : "outputs on mounts of their own (skipped, because nothing can be mounted here)",
    () => {
      using project = new Project({
        "in/a.txt": "a",
        "in/b.txt": "b",
        "cofferdam.yaml": `
stages:
  # Another mount of the same file system, as containers have them.
  near: { each: "in/*.txt", run: [cp, "{in}", "{out}"], out: "near/{in.name}" }
  # Another file system, deeper down.
  far: { from: near, run: [sh, -c, 'cp "$1" "$2"; test "$(cat "$1")" != b', sh, "{in}", "{out}"], out: "deep/far/{in.name}" }
  folders: { from: near, run: [sh, -c, 'cp "$1" "$2"; echo "$1" >>marks', sh, "{in}", "{out}"], out: "deep/folders/{in.stem}/" }
`,
      });
      const script = `
set -e
cd "$1"
mkdir -p near deep/far
mount --bind near near
mount -t tmpfs none deep
run() { "$2" --conditions=cofferdam-source "$3" run --progress plain && echo "exit 0" || echo "exit $?"; }
run "$@"
ls -A near deep/far deep/folders deep/folders/a
cat .cofferdam/failures/far/*/unfinished/b.txt
echo more >>in/a.txt
run "$@"
cat deep/folders/a/a.txt
ls -A deep`;
      const { stdout, stderr } = inNamespace(project, script);
      expect(stderr).toMatch(/near: 2 done[^]*far: 1 done · 0 failed · 1 quarantined/);
      expect(stdout.split("\n")).toEqual([
        "exit 3",
        ...[
          "deep/far:",
          "a.txt",
          "",
          "deep/folders:",
          "a",
          "b",
          "",
          "deep/folders/a:",
          "a.txt",
          "",
        ],
        ...["near:", "a.txt", "b.txt", "bexit 3", "amore", "far", "folders", ""],
      ]);
    },
  );

  it.skipIf(isRoot)(
    isRoot
      ? "an unwritable output folder (skipped, because root may write anywhere)"
      : "an unwritable output folder",
    async () => {
      using project = new Project({
        "in/a.txt": "",
        "cofferdam.yaml": copy(`[cp, "{in}", "{out}"]`),
      });
      mkdirSync(project.path("out"));
      chmodSync(project.path("out"), 0o555);
      const { code, stderr } = await project.run();
      chmodSync(project.path("out"), 0o755);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/stopped: .*out\/a\.txt: EACCES/)]);
      expect(await project.sums()).toMatchObject({ done: 1 });
    },
  );

  it("an output folder that is a file", async () => {
    using project = new Project({
      "in/a.txt": "",
      out: "a file",
      "cofferdam.yaml": copy(`[cp, "{in}", "{out}"]`),
    });
    const { code, stderr } = await project.run();
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/output folder .*out cannot be used: EEXIST/);
    expect(await project.status()).toMatchObject({ copy: { pending: 1, failed: 0 } });
    project.remove("out");
    expect(await project.sums()).toMatchObject({ done: 1 });
  });

  it("an input that vanishes or changes while the run goes on", async () => {
    using project = new Project({
      "in/1.txt": "one",
      "in/2.txt": "two",
      "in/3.txt": "three",
      "cofferdam.yaml": copy(
        `[sh, -c, 'echo $1 >>marks; cp $1 $2; while test -e wait; do sleep 0.02; done', sh, "{in}", "{out}"]`,
      ),
      wait: "",
    });
    const run = project.start("run");
    await until(() => project.marks().length === 1);
    project.write("in/1.txt", "another one");
    project.remove("in/2.txt");
    project.remove("wait");
    const { code, stderr } = await run.finished;
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /quarantined copy: in\/2\.txt: INPUT: its input was there when the run began, and is gone/,
    );
    // What was made from two versions is thrown away, and made once more.
    expect(project.marks().filter((mark) => mark === "in/1.txt")).toHaveLength(2);
    expect(project.read("out/1.txt")).toBe("another one");
    const again = await project.run();
    expect(again.stderr).toMatch(/copy: 2 unchanged, 1 gone/);
    expect(again.code).toBe(0);
  });

  it("two runs at once, and an interrupted one", async () => {
    using project = new Project({
      "in/1.txt": "",
      "in/2.txt": "",
      "cofferdam.yaml": copy(
        `[sh, -c, 'echo go >>marks; test -e fast || sleep 600; cp $1 $2', sh, "{in}", "{out}"]`,
      ),
    });
    const first = project.start("run");
    await until(() => project.marks().length === 1);
    const second = await project.run();
    expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/another run/)]);
    expect(await project.status()).toMatchObject({ copy: { pending: 2 } });
    process.kill(first.pid, "SIGINT");
    const { code, stderr } = await first.finished;
    expect([code, stderr]).toEqual([130, expect.stringMatching(/0 done · 0 failed · 2 pending/)]);
    project.write("fast", "");
    expect((await project.run()).stderr).toMatch(/2 {2}not finished last time\n[^]*2 done/);
    expect(readdirSync(project.path(".cofferdam")).sort()).toEqual([
      ".gitignore",
      "lock",
      "manifest.db",
    ]);
  });

  it("a file of others where its output should be, and a manifest that is none", async () => {
    using project = new Project({
      "in/a.txt": "new",
      "out/a.txt": "by hand",
      "cofferdam.yaml": copy(`[cp, "{in}", "{out}"]`),
    });
    for (let time = 0; time < 2; time++) {
      const { code, stderr } = await project.run();
      expect([code, stderr]).toEqual([2, expect.stringMatching(/1 refused: .*--force/)]);
    }
    expect(project.read("out/a.txt")).toBe("by hand");
    await project.run("--force");
    expect(project.read("out/a.txt")).toBe("new");
    project.remove(".cofferdam/manifest.db");
    project.write(
      ".cofferdam/manifest.db",
      "not a database, but long enough to be looked at ".repeat(50),
    );
    const { code, stderr } = await project.run();
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/manifest\.db cannot be used.*move it away/),
    ]);
  });
});

function inNamespace(project: Project, script: string): { stdout: string; stderr: string } {
  const cli = new URL("../../bin/cofferdam.js", import.meta.url).pathname;
  const words = ["--mount", "--user", "--map-root-user", "sh", "-c", script, "sh"];
  const { stdout, stderr } = spawnSync(
    "unshare",
    [...words, project.folder, process.execPath, cli],
    { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } },
  );
  return { stdout, stderr };
}
