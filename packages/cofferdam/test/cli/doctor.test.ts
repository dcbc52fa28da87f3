/** `cofferdam doctor` as a program, and what it makes of machines that this one is not. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli, runCli } from "../../../../test/support/program.ts";
import { readCgroupBounds } from "../../src/doctor/cgroups.ts";
import { readFacts } from "../../src/doctor/facts.ts";
import { examineLimits } from "../../src/doctor/limits.ts";
import { explainProbe, judge, type Probed } from "../../src/doctor/mechanisms.ts";
import type { Check, Examination } from "../../src/doctor/index.ts";

let folder: string;
let env: Record<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "doctor-"));
  env = { TMPDIR: folder };
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function examine(): Promise<Examination & { code: number | null }> {
  const { code, stdout, stderr } = await runCli(["doctor", "--json"], { env });
  expect(stdout, stderr).not.toBe("");
  const found = JSON.parse(stdout) as Examination & { schema: number };
  expect(found.schema).toBe(1);
  return { ...found, code };
}

function named(checks: readonly Check[], name: string): Check {
  const check = checks.find((check) => check.name === name);
  if (!check) throw new Error(`there is no check ${name}`);
  return check;
}

/** All that is advised on a check, as one text. */
function adviceOf(check: Check): string {
  return check.advice.map((part) => ("copy" in part ? part.copy : part.text)).join("\n");
}

/** Something that answers like a keeper. */
function standIn(lines: readonly (readonly string[])[]): void {
  const path = join(folder, "keeper");
  const text = lines.map((line) => line.join("\t") + "\n").join("");
  writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${text}END\n`, { mode: 0o755 });
  env["COFFERDAM_KEEPER"] = path;
}

/** Files of another machine. */
function machine(files: Record<string, string>): string {
  const root = mkdtempSync(join(folder, "root-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe("cofferdam doctor", () => {
  it("says the containment that a run then gets", async () => {
    const { containment, checks, code } = await examine();
    const report = join(folder, "report.json");
    await runCli(["exec", "--report", report, "true"], { env });
    const got = JSON.parse(readFileSync(report, "utf8")) as { containment: { tree: string } };
    expect(containment.tree).toBe(got.containment.tree);
    expect(code).toBe(containment.tree === "namespace" ? 0 : 1);
    expect(named(checks, "memory").values?.["availableBytes"]).toBeGreaterThan(0);
    expect(named(checks, "processors").values?.["allowed"]).toBeGreaterThan(0);
    expect(named(checks, "open-files").state).toBe("ok");
    expect(named(checks, "earlier-runs")).toMatchObject({ state: "ok", detail: "0 live, 0 dead" });
  });

  it.each([
    ["none, where the keeper is not there", { COFFERDAM_KEEPER: "/nowhere" }, "none"],
    ["none, where it is something else", { COFFERDAM_KEEPER: "/bin/true" }, "none"],
    ["group, where that is asked for", { COFFERDAM_CONTAINMENT: "group" }, "group"],
    ["none, where nonsense is asked for", { COFFERDAM_CONTAINMENT: "magic" }, "none"],
  ])("says %s", async (_what, variables, tree) => {
    Object.assign(env, variables);
    const { containment, code } = await examine();
    expect(containment).toMatchObject({ tree, verified: false });
    expect(containment.why).not.toBe("");
    expect(code).toBe(1);
  });

  it("shows a dead run, and how to be rid of it", async () => {
    mkdirSync(join(folder, `cofferdam-${userInfo().uid}`, "g0123abcd"), {
      recursive: true,
      mode: 0o700,
    });
    const check = named((await examine()).checks, "earlier-runs");
    expect(check).toMatchObject({ state: "weak", values: { dead: 1 } });
    expect(adviceOf(check)).toContain("npx cofferdam sweep");
  });

  it.each([
    ["C.UTF-8", "xterm", /✓ namespace .*✗ private-shm .*– private-proc /s],
    ["C", "xterm", /ok namespace .*no private-shm .*-- private-proc /s],
    ["C.UTF-8", "dumb", /ok namespace /],
  ])("fits 80 columns with LC_ALL=%s TERM=%s", async (locale, term, pattern) => {
    standIn([
      ["namespace", "ok", "directly"],
      ["private-shm", "failed", "mount-shm: EPERM"],
      ["private-proc", "weak", "mount: refused; the host's stays"],
      ["cgroup", "failed", "mkdir: Permission denied"],
    ]);
    Object.assign(env, { LC_ALL: locale, TERM: term, FORCE_COLOR: "0" });
    const { stdout } = await runCli(["doctor"], { env });
    expect(stdout).toMatch(pattern);
    const copied = /^ {6}/; // what is to be copied, and paths, are never broken
    const lines = stdout.split("\n").filter((line) => !copied.test(line) && !line.includes("/"));
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
    if (term === "dumb" || locale === "C") expect(stdout).toMatch(/^[\n -~]*$/);
  });

  it("finds the limit that the kernel refuses namespaces by", async ({ skip }) => {
    const script = 'echo 0 > /proc/sys/user/max_pid_namespaces && exec "$@"';
    const inside = ["-Ur", "sh", "-c", script, "sh"];
    if (spawnSync("unshare", [...inside, "true"]).status !== 0)
      return skip("skipped, because user namespaces cannot be had here");
    if ((await examine()).containment.tree !== "namespace")
      return skip("skipped, because there is no keeper");
    const { stdout, status } = spawnSync(
      "unshare",
      [...inside, process.execPath, "--conditions=cofferdam-source", cli, "doctor", "--json"],
      { encoding: "utf8", env: { ...process.env, ...env, NODE_OPTIONS: "" } },
    );
    const { containment, checks } = JSON.parse(stdout) as Examination;
    expect(status).toBe(1);
    expect(containment.tree).toBe("subreaper");
    expect(adviceOf(named(checks, "user-namespace"))).toContain("user.max_pid_namespaces=");
  });
});

describe("advice", () => {
  const refused: Probed[] = [
    { name: "namespace", state: "failed", detail: "clone: Operation not permitted" },
    { name: "user-namespace", state: "failed", detail: "uid_map: Permission denied" },
  ];
  const user = { "proc/self/status": "CapEff:\t0000000000000000\nSeccomp:\t0\n" };
  const explain = (probed: readonly Probed[], files: Record<string, string>): Check[] =>
    explainProbe(probed, "/opt/keeper", readFacts(machine({ ...user, ...files })), false);

  it("gives the keeper an AppArmor profile, and leaves the sysctl on", () => {
    const restricts = "proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    const checks = explain(refused, { [restricts]: "1\n" });
    const advice = adviceOf(named(checks, "user-namespace"));
    expect(advice).toContain(
      'profile cofferdam-keeper "/opt/keeper" flags=(unconfined) {\n  userns,',
    );
    expect(advice).toContain("apparmor_parser -r");
    expect(advice).not.toMatch(/sysctl .*=0|seccomp/);
    expect(named(checks, "namespace").advice).toEqual([]);
  });

  it("says both ways with Docker and their price", () => {
    const status = "CapEff:\t00000000a80425fb\nSeccomp:\t2\n";
    const advice = adviceOf(
      named(explain(refused, { "proc/self/status": status }), "user-namespace"),
    );
    expect(advice).toMatch(
      /seccomp=FILE.*more of the kernel.*SYS_ADMIN.*close to root on the host/s,
    );
  });

  it.each([
    ["proc/sys/user/max_user_namespaces", "sudo sysctl user.max_user_namespaces=15000"],
    ["proc/sys/kernel/unprivileged_userns_clone", "sudo sysctl kernel.unprivileged_userns_clone=1"],
  ])("names %s where it is 0", (file, command) => {
    const found = explain(refused, { [file]: "0\n" });
    expect(adviceOf(named(found, "user-namespace"))).toContain(command);
    const other = explain(refused, { [file]: "5\n" });
    expect(adviceOf(named(other, "user-namespace"))).toContain("dmesg");
  });

  it("takes a refused way for no failure where the other works", () => {
    const [direct = refused[0]] = refused;
    const probed = [direct, { name: "user-namespace", state: "ok", detail: "" }] as Probed[];
    expect(judge(probed, "")).toEqual({ tree: "namespace", verified: true, why: "" });
    expect(named(explain(probed, {}), "namespace")).toMatchObject({ state: "weak", advice: [] });
  });

  it("names what covers /proc", () => {
    const probed: Probed[] = [
      { name: "namespace", state: "ok", detail: "" },
      { name: "private-proc", state: "weak", detail: "mount: refused" },
    ];
    const mounts =
      "22 1 0:20 / /proc rw - proc proc rw\n" +
      "23 22 0:21 / /proc/kcore rw - tmpfs tmpfs rw\n" +
      "24 22 0:20 /bus /proc/bus ro - proc proc rw\n";
    const check = named(explain(probed, { "proc/self/mountinfo": mounts }), "private-proc");
    expect(adviceOf(check)).toMatch(/\/proc\/kcore, \/proc\/bus\..*systempaths=unconfined/s);
  });

  it("delegates a cgroup, once for all that need it", () => {
    const probed: Probed[] = [
      { name: "namespace", state: "ok", detail: "" },
      { name: "cgroup", state: "failed", detail: "mkdir: Permission denied" },
      { name: "cgroup-memory", state: "failed", detail: "needs a cgroup" },
    ];
    const checks = explain(probed, {});
    const command = "systemd-run --user --scope -p Delegate=yes -- npx cofferdam";
    expect(adviceOf(named(checks, "cgroup"))).toContain(command);
    expect(named(checks, "cgroup-memory").advice).toEqual([]);
  });
});

describe("the bounds of cgroups", () => {
  it("are the tightest on the way up, in v2", () => {
    const root = machine({
      "proc/self/cgroup": "0::/user/job\n",
      "proc/self/mountinfo": "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
      "sys/fs/cgroup/user/memory.max": "1000000000\n",
      "sys/fs/cgroup/user/memory.current": "400000000\n",
      "sys/fs/cgroup/user/memory.stat": "anon 5\ninactive_file 100000000\n",
      "sys/fs/cgroup/user/job/memory.max": "max\n",
      "sys/fs/cgroup/user/cpu.max": "max 100000\n",
      "sys/fs/cgroup/user/job/cpu.max": "150000 100000\n",
      "sys/fs/cgroup/user/pids.max": "500\n",
      "sys/fs/cgroup/user/pids.current": "20\n",
      "sys/fs/cgroup/user/job/pids.max": "600\n",
    });
    expect(readCgroupBounds(root)).toMatchObject({
      memory: { limitBytes: 1e9, usedBytes: 3e8 },
      cpus: 1.5,
      processes: { limit: 500, used: 20 },
    });
  });

  it("are those of a container, where its part of v1 is mounted", () => {
    const unlimited = "9223372036854771712\n";
    const root = machine({
      "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n",
      "proc/self/mountinfo":
        "34 1 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
        "35 1 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000000\n",
      "sys/fs/cgroup/memory/memory.usage_in_bytes": "100000000\n",
      "sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 40000000\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    });
    expect(readCgroupBounds(root)).toMatchObject({
      memory: { limitBytes: 2e9, usedBytes: 6e7 },
      cpus: null,
      processes: null,
    });
    writeFileSync(join(root, "sys/fs/cgroup/memory/memory.limit_in_bytes"), unlimited);
    expect(readCgroupBounds(root).memory).toBeNull();
  });

  it("are none where there are no cgroups", () => {
    expect(readCgroupBounds(machine({}))).toEqual({ memory: null, cpus: null, processes: null });
  });
});

describe("limits", () => {
  const files = {
    "proc/self/limits":
      "Limit                     Soft Limit           Hard Limit           Units     \n" +
      "Max processes             unlimited            unlimited            processes \n" +
      "Max open files            256                  4096                 files     \n",
    "proc/sys/kernel/sem": "32000\t1024000000\t500\t2\n",
    "proc/sys/kernel/shmmni": "4096\n",
    "proc/sys/kernel/shmmax": "33554432\n",
    "proc/sys/kernel/shmall": "2097152\n",
    "proc/sys/kernel/msgmni": "32000\n",
    "proc/sys/kernel/pid_max": "32768\n",
    "proc/sysvipc/sem":
      "       key      semid perms\n         0          1   600\n         0 2 600\n",
    "proc/sysvipc/shm": "       key      shmid perms\n",
  };

  it("tell what is used, and warn where one is close", () => {
    const checks = examineLimits(false, machine(files));
    expect(named(checks, "sysv-semaphores")).toMatchObject({
      state: "weak",
      values: { used: 2, limit: 2, perSet: 32000 },
    });
    expect(named(checks, "sysv-shm").detail).toBe("0 of 4,096 segments, 34 MB each");
    expect(named(checks, "sysv-queues").detail).toBe("? of 32,000 queues");
    expect(named(checks, "processes").values).toMatchObject({ pidMax: 32768, rlimitNproc: null });
    expect(named(checks, "open-files")).toMatchObject({ state: "weak", values: { soft: 256 } });
    expect(adviceOf(named(checks, "open-files"))).toContain("ulimit -n");
  });

  it("are no matter where each task has System V objects of its own", () => {
    expect(named(examineLimits(true, machine(files)), "sysv-semaphores").state).toBe("ok");
  });

  it("tell whether message queues can be seen", () => {
    const queues = { ...files, "proc/sys/fs/mqueue/queues_max": "256\n" };
    const unseen = named(examineLimits(false, machine(queues)), "message-queues");
    expect(unseen).toMatchObject({ state: "weak", values: { limit: 256, folder: null } });
    expect(adviceOf(unseen)).toContain("mount -t mqueue");
    expect(named(examineLimits(true, machine(queues)), "message-queues").state).toBe("ok");
    const mounts = "30 1 0:26 / /dev/mqueue rw - mqueue mqueue rw\n";
    const shown = machine({ ...queues, "proc/self/mountinfo": mounts });
    expect(named(examineLimits(false, shown), "message-queues")).toMatchObject({
      state: "ok",
      values: { folder: "/dev/mqueue" },
    });
    expect(examineLimits(false, machine(files)).map(({ name }) => name)).not.toContain(
      "message-queues",
    );
  });

  it("are left out where there is no /proc", () => {
    expect(examineLimits(false, machine({}))).toEqual([]);
  });
});
