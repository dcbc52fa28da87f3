/** The jobserver of a task: how many jobs run at once, and who has one. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openScope } from "cofferdam";
import { makeFlags } from "../../src/keeper/make-flags.ts";
import { kept } from "../../../../test/support/containment.ts";
import { runCli } from "../../../../test/support/program.ts";

const runs = (...command: string[]): boolean =>
  spawnSync(command[0] ?? "", command.slice(1)).status === 0;
const lacking = [
  ...(kept.skip ? ["keeper"] : []),
  ...(runs("make", "--version") ? [] : ["make"]),
  ...(runs("python3", "--version") ? [] : ["python3"]),
];
const because = lacking.length > 0 ? ` (skipped, because there is no ${lacking.join(", ")})` : "";
const hasCargo = runs("cargo", "--version");
const noCargo = hasCargo ? "" : " (skipped, because there is no cargo)";

const variables = ["COFFERDAM_CONTAINMENT", "MAKEFLAGS"] as const;
let folder: string;
let before: Record<string, string | undefined>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "jobserver-"));
  before = Object.fromEntries(variables.map((name) => [name, process.env[name]]));
  delete process.env["MAKEFLAGS"]; // these tests may be run by a make
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  for (const name of variables) {
    if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = before[name];
  }
});

/**
 * Two makes below a make, each with six jobs that say when they begin and end. None ends before so
 * many have begun.
 */
function writeMakefiles(together: number): void {
  const below = (name: string): string => `${name}: ; +@$(MAKE) -f Jobs NAME=${name}`;
  const top = ["all: left right", below("left"), below("right")];
  const met = `until [ $$(grep -c begin log) -ge ${together} ]; do sleep 0.01; done`;
  const jobs = [
    "all: $(addprefix $(NAME),1 2 3 4 5 6)",
    `$(NAME)%: ; @echo begin >> log; ${met}; echo end >> log`,
  ];
  writeFileSync(join(folder, "Makefile"), `${top.join("\n")}\n`);
  writeFileSync(join(folder, "Jobs"), `${jobs.join("\n")}\n`);
}

/** The most jobs at once, and how many there were. */
function readLog(): { most: number; jobs: number } {
  let [now, most, jobs] = [0, 0, 0];
  for (const line of readFileSync(join(folder, "log"), "utf8").trim().split("\n")) {
    now += line === "begin" ? 1 : -1;
    if (line === "begin") jobs++;
    most = Math.max(most, now);
  }
  return { most, jobs };
}

describe.skipIf(lacking.length > 0).each(["", "subreaper"])(
  `a jobserver (COFFERDAM_CONTAINMENT=%s)${because}`,
  (way) => {
    beforeEach(() => {
      process.env["COFFERDAM_CONTAINMENT"] = way;
    });

    it.each([1, 3])("lets all makes of a command together run %d jobs", async (jobs) => {
      writeMakefiles(jobs);
      await using scope = await openScope();
      const { stderr, leaks } = await scope.exec(["make"], { cwd: folder, jobserver: jobs });
      expect(stderr).toBe("");
      expect(leaks).toEqual([]);
      expect(readLog()).toEqual({ most: jobs, jobs: 12 });
    });

    it("is made for each task anew, whatever became of the tokens of the one before", async () => {
      await using scope = await openScope();
      const take = ["sh", "-c", "head -c 4 <&5; echo; ls -A $TMPDIR; rm $TMPDIR/.jobserver"];
      for (let task = 0; task < 3; task++) {
        const { stdout } = await scope.exec(take, { jobserver: 5 });
        expect(stdout).toBe("++++\n.jobserver\n");
      }
      expect((await scope.exec(["sh", "-c", "ls -A $TMPDIR"])).stdout).toBe("");
    });

    it("is what a Python worker's makes share", async () => {
      writeMakefiles(2);
      const worker = join(folder, "worker.py");
      writeFileSync(
        worker,
        `import os\ndef build(folder):\n    os.chdir(folder)\n    return os.system("make")\n`,
      );
      await using scope = await openScope();
      await using pool = scope.pool<{ build(folder: string): number }>(
        { python: worker },
        { workers: 1, threads: 2 },
      );
      expect(await pool.run("build", folder)).toBe(0);
      expect(readLog()).toEqual({ most: 2, jobs: 12 });
    });

    it.skipIf(!hasCargo)(`is what cargo takes its jobs from${noCargo}`, async () => {
      mkdirSync(join(folder, "src"));
      writeFileSync(
        join(folder, "Cargo.toml"),
        '[package]\nname = "told"\nversion = "0.1.0"\nedition = "2021"\n',
      );
      writeFileSync(join(folder, "src/lib.rs"), "");
      const tell = 'std::fs::write("told", std::env::var("CARGO_MAKEFLAGS").unwrap()).unwrap()';
      writeFileSync(join(folder, "build.rs"), `fn main() { ${tell} }`);
      await using scope = await openScope();
      await scope.exec(["cargo", "build", "--offline"], { cwd: folder, jobserver: 3 });
      expect(readFileSync(join(folder, "told"), "utf8")).toMatch(/5,5|\.jobserver/);
    });
  },
);

describe.skipIf(kept.skip)(kept.name("MAKEFLAGS"), () => {
  const told = ["sh", "-c", "echo $MAKEFLAGS"];

  it.each([
    [{ jobserver: 5 }, /^-j5 /],
    [{ threads: 3 }, /^-j3 /],
    [{ threads: 3, jobserver: 2 }, /^-j2 /],
    [{ threads: 3, jobserver: false as const }, /^$/],
    [{}, /^$/],
    [{ threads: 3, env: { MAKEFLAGS: "k" } }, /^k$/],
    [{ jobserver: 5, env: { MAKEFLAGS: "k -- A=1" } }, /^k -j5 .* -- A=1$/],
  ])("of a command with %j", async (options, expected) => {
    await using scope = await openScope();
    expect((await scope.exec(told, options)).stdout.trim()).toMatch(expected);
  });

  it("of the jobs of a map and of the items of a run", async () => {
    const map = await runCli(["map", "--threads", "2", ...told, ":::", "a"]);
    expect(map.stdout).toContain("-j2 --jobserver-auth=");
    const off = await runCli(["exec", "--threads", "2", "--no-jobserver", ...told]);
    expect(off.stdout).toBe("\n");
    const stage = 'run: ["sh", "-c", "echo $MAKEFLAGS > {out}"], out: "{in.stem}.out"';
    writeFileSync(
      join(folder, "cofferdam.yaml"),
      `stages:\n  told: { each: "*.in", ${stage}, resources: { threads: 2 } }\n`,
    );
    writeFileSync(join(folder, "a.in"), "");
    const run = await runCli(["run"], { cwd: folder });
    expect(run.stderr).toContain("1 done");
    expect(readFileSync(join(folder, "a.out"), "utf8")).toContain("-j2 --jobserver-auth=");
  });

  it.each([0, 1.5, 5000])("are not told of %d jobs", async (jobserver) => {
    await using scope = await openScope();
    const refused = scope.exec(["true"], { jobserver });
    await expect(refused).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const pool = () => scope.pool({ program: ["true"] }, { jobserver });
    expect(pool).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});

describe("a jobserver without a keeper", () => {
  it("is refused where it is asked for, and left out where it is not", async () => {
    process.env["COFFERDAM_CONTAINMENT"] = "group";
    await using scope = await openScope();
    const refused = scope.exec(["true"], { jobserver: 2 });
    await expect(refused).rejects.toMatchObject({ code: "CONTAINMENT_UNAVAILABLE" });
    const { stdout } = await scope.exec(["sh", "-c", "echo $MAKEFLAGS"], { threads: 2 });
    expect(stdout).toBe("\n");
  });
});

describe.skipIf(kept.skip)(kept.name("the last of the ways to the jobserver"), () => {
  async function lastWay(env: Record<string, string>): Promise<string> {
    await using scope = await openScope();
    const tell = ["/bin/sh", "-c", "echo $MAKEFLAGS"];
    const { stdout } = await scope.exec(tell, { jobserver: 2, inheritEnv: false, env });
    return stdout.trim().split("--jobserver-auth=").at(-1) ?? "";
  }

  const padding = "\0".repeat(64 * 1024 - 5);
  it.each([
    ["its path, for a make that opens it", "\0jobserver-style\0", /^fifo:.*\.jobserver$/],
    ["its path, for a large make that opens it", `${padding}jobserver-style`, /^fifo:/],
    ["the descriptor, for one that stops at a path", "\0jobserver-auth\0", /^5,5$/],
    ["its path, where there is no make", null, /^fifo:/],
  ])("is %s", async (_which, make, last) => {
    mkdirSync(join(folder, "bin"));
    mkdirSync(join(folder, "empty/make"), { recursive: true });
    if (make !== null) writeFileSync(join(folder, "bin/make"), make);
    const path = [".", "", "/no/such", `${folder}/empty`, `${folder}/bin`].join(":");
    expect(await lastWay({ PATH: path })).toMatch(last);
  });

  it("is not waited for at a make that is a fifo", async () => {
    spawnSync("mkfifo", [join(folder, "make")]);
    expect(await lastWay({ PATH: folder })).toMatch(/^fifo:/);
  });

  it("is the descriptor where the path has a blank in it", () => {
    const { flags, old } = makeFlags("", 2, "/a b/.jobserver");
    expect({ flags, old }).toEqual({ flags: " -j2 --jobserver-auth=5,5", old: undefined });
  });
});
