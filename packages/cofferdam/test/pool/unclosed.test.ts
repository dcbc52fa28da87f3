/** A program that forgets to close its pool ends all the same, when it has nothing else to do. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openCensus } from "../../../../lab/census/index.ts";
import { Program } from "../../../../test/support/program.ts";

const cwd = fileURLToPath(new URL("..", import.meta.url));

const begin = `
  import { openScope } from "cofferdam";
  const tell = ({ type, left }) => type === "task-ended" && console.log("a worker left", left);
  const scope = await openScope({ onEvent: tell, budget: { resources: { gpu: 1 } } });
  const work = new URL("./fixtures/faults.ts", "file://${cwd}");
  const pool = scope.pool(work, { workers: 2, threads: 1, resources: { gpu: 1 }, idleTimeout: "1d" });
  console.log(await pool.run("add", 1, 2));
`;

/** Nothing but the pool can keep the program waiting for the second. */
const again = `
  setTimeout(async () => {
    console.log(await pool.run("add", 2, 2));
    await Promise.all([pool.run("sleep", 300), pool.run("sleep", 300)]);
    console.log("slept");
  }, 1000);
`;

const shared = `
  scope.limiter("calls", { requests: "100/min" });
  scope.cache("values", { folder: process.env.TMPDIR + "/unclosed" });
`;

/** Another pool waits for what the first, which has nothing to do, holds. */
const another = `
  setTimeout(async () => {
    const other = scope.pool(work, { workers: 1, resources: { gpu: 1 } });
    console.log(await other.run("add", 3, 3));
  }, 1000);
`;

/** Workers take long to end, and nothing else keeps the program waiting for that. */
const slow = `
  const { readFileSync } = await import("node:fs");
  const [keeper] = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").split(" ");
  const stopForAWhile = () => {
    process.kill(keeper, "SIGSTOP");
    setTimeout(() => process.kill(keeper, "SIGCONT"), 1000).unref();
  };
  stopForAWhile();
  const other = scope.pool(work, { workers: 1, resources: { gpu: 1 } });
  console.log(await other.run("add", 3, 3));
  stopForAWhile();
  await other.close();
  console.log(await pool.run("add", 4, 4));
`;

describe.each(["", "subreaper", "group"])("COFFERDAM_CONTAINMENT=%s", (containment) => {
  const ends = async (more: string, said: string): Promise<void> => {
    const census = openCensus();
    const program = new Program(["--input-type=module", "--eval", begin + more], {
      env: { ...census.env, COFFERDAM_CONTAINMENT: containment },
      cwd,
    });
    const { code, stdout, stderr } = await program.finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // Its workers' ends were told: it had waited for them.
    expect(stdout).toMatch(new RegExp(`^${said}(a worker left 0\\n){1,2}$`));
    const { left } = await census.waitUntilEmpty(0);
    expect(left).toMatchObject({ processes: [], scratch: [] });
  };

  it.each([
    ["at once", "", "3\n"],
    ["after more work", again, "3\n4\nslept\n"],
    ["with a limiter and a cache", shared, "3\n"],
    ["after work of another pool", another, "3\na worker left 0\n6\n"],
    ["having closed the pool", "await pool.close()", "3\n"],
    ["that rests", "setTimeout(() => undefined, 500)", "3\n"],
  ])("ends %s", async (_, more, said) => {
    await ends(more, said);
  });

  it.skipIf(containment === "group")("goes on while it waits for a worker's end", async () => {
    await ends(slow, "3\na worker left 0\n6\na worker left 0\n8\n");
  });

  it("does not wait for a worker that starts for nobody", async () => {
    const forNobody = `
      const options = { workers: 1, init: { hang: true } };
      const hanging = scope.pool(work, options);
      await hanging.runWith({ signal: AbortSignal.timeout(500) }, "add", 1, 1).catch(tell);
    `;
    await ends(forNobody, "3\n");
  });
});
