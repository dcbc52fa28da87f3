import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CofferdamError, openScope, TaskError, type Scope } from "cofferdam";
import { namespaced } from "../../../../test/support/containment.ts";

let scope: Scope;
let folder: string;

beforeEach(async () => {
  scope = await openScope();
  folder = mkdtempSync(join(tmpdir(), "exec-test-"));
});

afterEach(async () => {
  expect((await scope.close()).processes.left).toBe(0);
  rmSync(folder, { recursive: true });
});

async function failureOf(promise: Promise<unknown>): Promise<TaskError> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TaskError);
  return error as TaskError;
}

describe("exec", () => {
  it("gives output, exit code and figures", async () => {
    const result = await scope.exec(["sh", "-c", "echo out; echo err >&2"]);
    expect(result).toMatchObject({
      outcome: "ok",
      exitCode: 0,
      signal: null,
      stdout: "out\n",
      stderr: "err\n",
      truncated: false,
      processes: { left: 0 },
      leaks: [],
    });
    // Without a keeper a short command ends before anybody has looked.
    if (scope.containment.tree !== "group") expect(result.peakMemoryBytes.value).toBeGreaterThan(0);
  });

  it("passes arguments, directory and environment as they are", async () => {
    const words = ["a b", "'\"$HOME`x`", "", "-n", "ü\n", "*"];
    const program =
      "process.stdout.write(JSON.stringify([process.argv.slice(1), process.cwd(), process.env.GIVEN, process.env.HOME ?? null]))";
    const { stdout } = await scope.exec([process.execPath, "--eval", program, "--", ...words], {
      cwd: folder,
      env: { GIVEN: "ä=b", HOME: undefined },
    });
    expect(JSON.parse(stdout)).toEqual([words, folder, "ä=b", null]);
  });

  it("feeds input, also more than a pipe holds and more than the command reads", async () => {
    const bytes = Buffer.alloc(5_000_000, "0123456789abcdef\n");
    expect((await scope.exec(["cat"], { input: bytes })).stdout.length).toBe(bytes.length);
    expect((await scope.exec(["head", "-c", "5"], { input: bytes })).stdout).toBe("01234");
    expect((await scope.exec(["cat"])).stdout).toBe("");
  });

  it("has pipes that can be opened by name", async () => {
    if (scope.containment.tree === "group") return; // Node gives sockets
    const { stdout, stderr } = await scope.exec([
      "sh",
      "-c",
      "echo one >/dev/stdout; echo two | tee /dev/stderr >/dev/null",
    ]);
    expect([stdout, stderr]).toEqual(["one\n", "two\n"]);
  });

  it("keeps the end of output beyond the limit, and says so", async () => {
    const result = await scope.exec(["sh", "-c", "seq 1 100000"], { maxOutput: 1000 });
    expect(result.truncated).toBe(true);
    expect(result.stdout).toHaveLength(1000);
    expect(result.stdout.endsWith("99999\n100000\n")).toBe(true);
  });

  it("fails with a result: exit code, signal, missing command, missing folder", async () => {
    expect(await failureOf(scope.exec(["sh", "-c", "echo why >&2; exit 7"]))).toMatchObject({
      code: "EXIT",
      exitCode: 7,
      stderr: "why\n",
      message: "sh ended with exit code 7\nwhy",
    });
    expect(await failureOf(scope.exec(["sh", "-c", "kill -SEGV $$"]))).toMatchObject({
      code: "SIGNAL",
      signal: "SIGSEGV",
    });
    expect(await failureOf(scope.exec(["no-such-command-here"]))).toMatchObject({
      code: "SPAWN",
      startFailure: { stage: "exec", code: "ENOENT" },
    });
    const script = join(folder, "not-executable");
    writeFileSync(script, "#!/bin/sh\n");
    expect(await failureOf(scope.exec([script]))).toMatchObject({
      startFailure: { code: "EACCES" },
    });
    expect((await failureOf(scope.exec(["true"], { cwd: join(folder, "gone") }))).code).toBe(
      "SPAWN",
    );
  });

  it("refuses a command that cannot be one", async () => {
    for (const command of [[], [""], ["echo", "a\0b"]])
      await expect(scope.exec(command)).rejects.toBeInstanceOf(CofferdamError);
    const smuggled = { A: "1\0LD_PRELOAD=x" };
    await expect(scope.exec(["true"], { env: smuggled })).rejects.toThrow(/"A"|null bytes/);
    await expect(scope.exec(["true"], { timeout: "soon" })).rejects.toThrow('"soon"');
    await expect(scope.exec(["true"], { memory: "lots" })).rejects.toThrow('"lots"');
    await expect(scope.exec(["true"], { timeout: 0 })).rejects.toThrow("timeout must be above 0");
  });

  it("ends the whole tree at the deadline, also one that ignores TERM", async () => {
    const error = await failureOf(
      scope.exec(["sh", "-c", "trap '' TERM; setsid sleep 600 & sleep 600 & wait; sleep 600"], {
        timeout: "200ms",
        grace: "50ms",
      }),
    );
    expect(error).toMatchObject({ code: "TIMEOUT", outcome: "timeout", processes: { left: 0 } });
  });

  it("lets a command that obeys TERM finish in order within the grace", async () => {
    const error = await failureOf(
      scope.exec(["sh", "-c", "trap 'echo tidy; exit 0' TERM; sleep 600 & wait"], {
        timeout: "200ms",
        grace: "30s",
      }),
    );
    expect(error).toMatchObject({ code: "TIMEOUT", stdout: "tidy\n", exitCode: 0 });
  });

  it("keeps the deadline while this process's event loop is blocked", async () => {
    if (scope.containment.tree !== "namespace") return;
    const file = join(folder, "beats");
    const { promise: started, resolve } = Promise.withResolvers<undefined>();
    const running = failureOf(
      scope.exec(["sh", "-c", `while :; do date +%s%N >> ${file}; sleep 0.02; done`], {
        timeout: "300ms",
        grace: "50ms",
        onStart: () => resolve(undefined),
      }),
    );
    await started;
    const end = Date.now() + 3000;
    while (Date.now() < end); // blocked, on purpose
    const unblocked = Date.now();
    expect((await running).code).toBe("TIMEOUT");
    const beats = readFileSync(file, "utf8").trim().split("\n");
    const last = Number(beats.at(-1)) / 1e6;
    expect(last).toBeLessThan(unblocked - 1000);
  });

  it("kills a tree whose processes together are above the memory bound", async () => {
    const hungry = "b = bytearray(90_000_000); import time; time.sleep(600)";
    const error = await failureOf(
      scope.exec(["sh", "-c", `for i in 1 2 3 4; do python3 -c '${hungry}' & done; wait`], {
        memory: "250 MB",
      }),
    );
    expect(error).toMatchObject({ code: "MEMORY", outcome: "memory", processes: { left: 0 } });
    expect(error.peakMemoryBytes.value).toBeGreaterThan(250e6);
  });

  it("does not count shared pages again and again", async () => {
    if (scope.containment.tree !== "namespace") return;
    const share =
      "import os, time; b = bytearray(120_000_000); [os.fork() for _ in range(2)]; time.sleep(0.5)";
    expect((await scope.exec(["python3", "-c", share], { memory: "300 MB" })).outcome).toBe("ok");
  });

  it("kills a tree with more processes than it may have", async () => {
    const many = scope.exec(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 600 & done; wait"], {
      processes: 5,
    });
    expect(await failureOf(many)).toMatchObject({ code: "PROCESSES", processes: { left: 0 } });
    expect((await scope.exec(["true"], { processes: 5 })).outcome).toBe("ok");
    await expect(scope.exec(["true"], { processes: 0 })).rejects.toThrow("processes must be");
  });

  it("gives the command the environment that it is allowed", async () => {
    const none = await scope.exec(["/usr/bin/env"], { inheritEnv: false, env: { ONLY: "this" } });
    const names = none.stdout.split("\n").map((line) => line.split("=")[0]);
    for (const name of names)
      expect(["", "ONLY", "TMPDIR", "TMP", "TEMP", "COFFERDAM_TASK"]).toContain(name);
    const some = await scope.exec(["/usr/bin/env"], { inheritEnv: ["HOME"] });
    expect(some.stdout).toContain("HOME=");
    expect(some.stdout).not.toContain("PATH=");
    const threads = await scope.exec(["printenv", "OMP_NUM_THREADS"], { threads: 3 });
    expect(threads.stdout).toBe("3\n");
  });

  it("bounds CPUs, open files and core files, or says that it cannot", async () => {
    const bounded = scope.exec(["sh", "-c", "nproc; ulimit -n; ulimit -c"], {
      cpus: 1,
      openFiles: 123,
      coreSize: 0,
    });
    if (scope.containment.tree === "group")
      await expect(bounded).rejects.toMatchObject({ code: "CONTAINMENT_UNAVAILABLE" });
    else expect((await bounded).stdout).toBe("1\n123\n0\n");
  });

  it("takes the network away, but for loopback, or says that it cannot", async () => {
    const reach =
      "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); print(len(socket.if_nameindex()))";
    const alone = scope.exec(["python3", "-c", reach], { network: false });
    if (scope.containment.tree === "namespace") expect((await alone).stdout).toBe("1\n");
    else await expect(alone).rejects.toMatchObject({ code: "CONTAINMENT_UNAVAILABLE" });
  });

  it("is cancelled by a signal of the caller's", async () => {
    const controller = new AbortController();
    const running = failureOf(
      scope.exec(["sh", "-c", "trap '' TERM; sleep 600"], {
        signal: controller.signal,
        grace: "50ms",
        onStart: () => controller.abort(),
      }),
    );
    expect(await running).toMatchObject({ code: "CANCELLED", outcome: "cancelled" });
    await expect(scope.exec(["true"], { signal: controller.signal })).rejects.toMatchObject({
      code: "CANCELLED",
    });
  });

  it("gives a private folder for temporary files, and removes it whatever is in it", async () => {
    const { stdout } = await scope.exec([
      "sh",
      "-c",
      'cd "$TMPDIR"; mkdir -p a/b; echo x >a/b/c; ln -s /etc a/link; mkfifo a/fifo; chmod 000 a/b a; pwd',
    ]);
    const scratch = stdout.trim();
    expect(scratch.length).toBeLessThanOrEqual(Math.max(40, tmpdir().length + 30));
    expect(existsSync(scratch)).toBe(false);
    expect(existsSync("/etc/passwd")).toBe(true);
  });

  it("ends what still runs when the scope closes", async () => {
    const running = failureOf(scope.exec(["sleep", "600"], { grace: 0 }));
    const report = await scope.close();
    expect(await running).toMatchObject({ code: "CANCELLED" });
    expect(report.processes.left).toBe(0);
    await expect(scope.exec(["true"])).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe.skipIf(namespaced.skip)(namespaced.name("in a namespace"), () => {
  it("reports what a command leaves, by name, and takes it away", async () => {
    const result = await scope.exec([
      "sh",
      "-c",
      "setsid sleep 600 & (setsid sh -c 'sleep 601' &) ; echo x > /dev/shm/left; touch /dev/shm/sem.left; ipcmk -S 1 >/dev/null",
    ]);
    const kinds = result.leaks.map(({ kind }) => kind).sort();
    expect(kinds).toContain("process");
    expect(kinds).toContain("semaphore");
    expect(kinds).toContain("shared-memory");
    expect(kinds).toContain("sysv");
    expect(result.leaks.map(({ name }) => name)).toContain("sleep");
    expect(existsSync("/dev/shm/left")).toBe(false);
    const strict = failureOf(scope.exec(["sh", "-c", "setsid sleep 600 &"], { failOnLeak: true }));
    expect(await strict).toMatchObject({ code: "LEAK" });
  });

  it("does not call it a leak what ends by itself within the settle time", async () => {
    // A loaded machine can take longer over a sleep than the settle time; not again and again.
    const leaks: number[] = [];
    while (leaks.at(-1) !== 0 && leaks.length < 20) {
      const result = await scope.exec(["sh", "-c", "(sleep 0.01) & exit 0"]);
      leaks.push(result.leaks.length);
    }
    expect(leaks.at(-1)).toBe(0);
  });

  it("gives every task its own range of pids", async () => {
    const results = await Promise.all(
      Array.from({ length: 12 }, () => scope.exec(["sh", "-c", "echo $$; sleep 0.1"])),
    );
    expect(new Set(results.map(({ stdout }) => stdout)).size).toBe(12);
  });

  it("shows a task its own processes only, and keeps mounts inside", async () => {
    const { stdout } = await scope.exec(
      [
        "sh",
        "-c",
        "ls -d /proc/[0-9]* | wc -l; mount -t tmpfs none /mnt && touch /mnt/inside; ls /mnt",
      ],
      { reject: false },
    );
    if (scope.containment.proc === "task") expect(Number(stdout.split("\n")[0])).toBeLessThan(6);
    expect(existsSync("/mnt/inside")).toBe(false);
  });

  it("gives the command default signals, an open mask, and no descriptor but its own", async () => {
    const { stdout } = await scope.exec([
      "sh",
      "-c",
      "grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd",
    ]);
    expect(stdout).toMatch(/SigBlk:\s*0000000000000000/);
    expect(stdout).toMatch(/SigIgn:\s*0000000000000000/);
    expect(stdout.trim().split("\n").slice(2)).toEqual(["0", "1", "2", "3"]); // 3: ls's own
  });

  it("kills a fork bomb", async () => {
    const bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass";
    const error = await failureOf(
      scope.exec(
        [
          "python3",
          "-c",
          `import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (400, 400))\n${bomb}`,
        ],
        {
          timeout: "700ms",
          grace: 0,
          memory: "3 GB",
        },
      ),
    );
    expect(["TIMEOUT", "MEMORY"]).toContain(error.code);
    expect(error.processes.left).toBe(0);
  });

  it("leaves the mode of a file in the scratch folder's neighbour alone", async () => {
    const file = join(folder, "mine");
    writeFileSync(file, "x");
    chmodSync(file, 0o444);
    await scope.exec(["sh", "-c", `ln -s ${folder} "$TMPDIR/out"; ln ${file} "$TMPDIR/hard" || :`]);
    expect(readFileSync(file, "utf8")).toBe("x");
  });
});
