/** Whoever dies, nothing stays: each of the processes is killed, and the census counts. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openScope, TaskError } from "cofferdam";
import { openCensus, runFolder, type Census } from "../../../../lab/census/index.ts";
import { kept, namespaced } from "../../../../test/support/containment.ts";
import { Program, runCli } from "../../../../test/support/program.ts";
import { childrenOf, keeperOf, until } from "../../../../test/support/processes.ts";

const supervisor = fileURLToPath(new URL("../fixtures/supervisor.ts", import.meta.url));
const deadlineMs = 60_000;

// Runs of other tests have their folders elsewhere: a start sweeps what it finds beside its own.
const tmp = mkdtempSync(join(tmpdir(), "deaths-"));
afterAll(() => rmSync(tmp, { recursive: true }));

async function startSupervisor(): Promise<{ program: Program; census: Census; run: string }> {
  const census = openCensus({ scratch: [tmp, runFolder(tmp)] });
  const program = new Program([supervisor], { env: { ...census.env, TMPDIR: tmp } });
  census.watch(program.pid);
  const [, scratch = ""] = await program.said(/^SCRATCH (.+)$/m);
  await program.said(/^READY$/m);
  return { program, census, run: dirname(scratch) };
}

async function expectNothingLeft(census: Census): Promise<void> {
  const found = await census.waitUntilEmpty(deadlineMs);
  expect(found.left).toMatchObject({ processes: [], sharedMemory: [], sysv: [], scratch: [] });
}

describe.skipIf(namespaced.skip)(namespaced.name("when somebody is killed"), () => {
  it("Node: the keeper kills everything and removes the run's folder", async () => {
    const { program, census, run } = await startSupervisor();
    expect(existsSync(run)).toBe(true);
    process.kill(program.pid, "SIGKILL");
    await program.finished;
    await expectNothingLeft(census);
    expect(existsSync(run)).toBe(false);
  });

  it("Node while it is stopped: the same", async () => {
    const { program, census } = await startSupervisor();
    process.kill(program.pid, "SIGSTOP");
    process.kill(program.pid, "SIGKILL");
    await program.finished;
    await expectNothingLeft(census);
  });

  it("Node and keeper: the kernel kills all trees, and the next start removes the folder", async () => {
    const { program, census, run } = await startSupervisor();
    process.kill(program.pid, "SIGSTOP"); // so that it cannot start another keeper
    process.kill(keeperOf(program.pid), "SIGKILL");
    process.kill(program.pid, "SIGKILL");
    await program.finished;
    const found = await census.waitUntilEmpty(deadlineMs, { what: "processes" });
    expect(found.left.processes).toEqual([]);
    expect(readdirSync(run)).toContain("ledger");
    const next = await runCli(["exec", "true"], { env: { TMPDIR: tmp } });
    expect(next.code).toBe(0);
    expect(existsSync(run)).toBe(false);
    await expectNothingLeft(census);
  });

  it("the keeper: its tasks end as lost when they are gone, and another keeper goes on", async () => {
    await using scope = await openScope();
    const { promise: started, resolve } = Promise.withResolvers<string>();
    const lost = scope.exec(["sh", "-c", "setsid sleep 600 & sleep 600"], {
      onStart: ({ scratch }) => resolve(scratch),
    });
    const caught = lost.catch((error: unknown) => error);
    const scratch = await started;
    const old = keeperOf(process.pid);
    process.kill(old, "SIGKILL");
    const error = await caught;
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({ code: "KEEPER_LOST", outcome: "lost", processes: { left: 0 } });
    expect(existsSync(scratch)).toBe(false);
    expect((await scope.exec(["echo", "on"])).stdout).toBe("on\n");
    expect(keeperOf(process.pid)).not.toBe(old);
    const report = await scope.close();
    expect(report).toMatchObject({ keepersLost: 1, processes: { left: 0, verified: true } });
  });

  it("the keeper while the scope closes: another one removes the run's folder", async () => {
    const scope = await openScope();
    const { promise: started, resolve } = Promise.withResolvers<string>();
    await scope.exec(["true"], { onStart: ({ scratch }) => resolve(scratch) });
    const run = dirname(await started);
    const keeper = keeperOf(process.pid);
    process.kill(keeper, "SIGSTOP"); // so that it does not end in order
    const closing = scope.close();
    await new Promise((resolve) => setImmediate(resolve));
    process.kill(keeper, "SIGKILL");
    expect((await closing).processes).toMatchObject({ left: 0, verified: true });
    expect(existsSync(run)).toBe(false);
  });

  it("the keeper, again and again while commands start", async () => {
    await using scope = await openScope();
    let going = true;
    let running = 0;
    const outcomes: string[] = [];
    const working = Array.from({ length: 4 }, async () => {
      while (going) {
        const result = await scope.exec(["sh", "-c", "sleep 0.05 & wait"], {
          reject: false,
          onStart: () => running++,
        });
        running--;
        outcomes.push(result.outcome);
      }
    });
    for (let round = 0; round < 20; round++) {
      const wanted = outcomes.length + 5;
      // All four may end at once and start at once: a command that had not started is run again.
      await until(() => outcomes.length >= wanted && running > 0);
      process.kill(keeperOf(process.pid), "SIGKILL");
    }
    going = false;
    await Promise.all(working);
    expect(new Set(outcomes)).toEqual(new Set(["ok", "lost"]));
    expect((await scope.close()).processes.left).toBe(0);
  });

  it("an init: its task ends with a signal from outside, the others go on", async () => {
    await using scope = await openScope();
    const { promise: started, resolve } = Promise.withResolvers<number>();
    const killed = scope.exec(["sh", "-c", "setsid sleep 600 & sleep 600"], {
      onStart: ({ pid }) => resolve(pid),
      reject: false,
    });
    const other = scope.exec(["sh", "-c", "read line; echo $line"], { input: "still here\n" });
    process.kill(await started, "SIGKILL");
    expect(await killed).toMatchObject({ code: "SIGNAL", outcome: "lost" });
    expect((await other).stdout).toBe("still here\n");
  });

  it("the keeper is told to end (SIGTERM): the same as being killed, but tidy", async () => {
    await using scope = await openScope();
    process.kill(keeperOf(process.pid), "SIGTERM");
    expect((await scope.exec(["true"])).outcome).toBe("ok");
  });
});

describe("a closed scope", () => {
  it("leaves no keeper behind", async () => {
    await (await openScope()).close();
    expect(childrenOf(process.pid).filter(({ name }) => name.startsWith("cofferdam"))).toEqual([]);
  });

  it.skipIf(kept.skip)(kept.name("ends with its process although it was not closed"), async () => {
    const census = openCensus();
    const program = new Program(
      ["--input-type=module", "--eval", 'import {openScope} from "cofferdam"; await openScope();'],
      { env: census.env, cwd: fileURLToPath(new URL("..", import.meta.url)) },
    );
    expect((await program.finished).code).toBe(0);
    await expectNothingLeft(census);
  });

  it.skipIf(kept.skip)(kept.name("ends so after a worker that never started"), async () => {
    const census = openCensus();
    const program = new Program(["--input-type=module", "--eval", neverStarted], {
      env: census.env,
      cwd: fileURLToPath(new URL("..", import.meta.url)),
    });
    const { code, stdout } = await program.finished;
    expect({ code, stdout }).toEqual({ code: 0, stdout: "WORKER_START\n" });
    await expectNothingLeft(census);
  });
});

/** No system takes so large an environment. */
const neverStarted = `
  import { openScope } from "cofferdam";
  const scope = await openScope();
  const options = { workers: 1, env: { LARGE: "x".repeat(9_000_000) } };
  await using pool = scope.pool(new URL("file:///no/such/module.js"), options);
  await pool.run("echo", 1).catch(({ code }) => console.log(code));
`;
