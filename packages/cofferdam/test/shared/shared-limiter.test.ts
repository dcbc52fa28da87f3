/** A limiter that processes share by a file. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openScope, type LimiterOptions } from "cofferdam";
import { Program } from "../../../../test/support/program.ts";
import { Limiter, parseBounds } from "../../src/shared/index.ts";
import type { SharedClock } from "../../src/shared/limiter/clock.ts";
import { SharedLedger } from "../../src/shared/limiter/shared-ledger.ts";
import { codeOf } from "../support/code-of.ts";

const fixture = fileURLToPath(new URL("../fixtures/limiter-process.ts", import.meta.url));

let folder: string;
let programs: Program[];
const limiters: Limiter[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "limiter-"));
  programs = [];
});

afterEach(async () => {
  for (const limiter of limiters.splice(0)) limiter.close();
  for (const { child } of programs) child.kill("SIGKILL");
  await Promise.all(programs.map(({ finished }) => finished));
  rmSync(folder, { recursive: true });
});

function open(options: LimiterOptions, clock?: SharedClock): Limiter {
  const bounds = parseBounds(options);
  const limiter = new Limiter("shared", bounds, new SharedLedger(folder, bounds, clock));
  limiters.push(limiter);
  return limiter;
}

function start(what: string, options: LimiterOptions, count: number): Program {
  const program = new Program([fixture, what, folder, JSON.stringify(options), String(count)]);
  programs.push(program);
  return program;
}

describe("a limiter that processes share", () => {
  it("keeps its window over all of them", async () => {
    const [limit, windowMs] = [40, 400];
    const options = { requests: `${limit}/${windowMs}ms` };
    const spenders = [start("spend", options, 100), start("spend", options, 100)];
    const ends = await Promise.all(spenders.map(({ finished }) => finished));
    for (const { code, stderr } of ends) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const spent = ends
      .flatMap(({ stdout }) => JSON.parse(stdout.split("\n")[1] ?? "") as number[])
      .sort((a, b) => a - b);
    expect(spent).toHaveLength(200);
    spent.forEach((from, index) => {
      const next = spent[index + limit];
      if (next !== undefined) expect(next - from).toBeGreaterThan(windowMs);
    });
  });

  it("has a killed process's permits, and those that a living one gives back", async () => {
    const limiter = open({ concurrency: 3 });
    const holder = start("hold", { concurrency: 3 }, 2);
    await holder.said(/HOLDING/);
    const own = await limiter.acquire();
    const waiting = [limiter.acquire(), limiter.acquire()];
    const spender = start("spend", { concurrency: 3 }, 20);
    await spender.said(/READY/);
    holder.child.kill("SIGKILL");
    const given = await Promise.all(waiting);
    own.release();
    for (const permit of given) permit.release();
    expect((await spender.finished).code).toBe(0);
    await Promise.all([limiter.acquire(), limiter.acquire(), limiter.acquire()]);
    expect(readdirSync(join(folder, "present"))).toHaveLength(2); // the dead one's is swept later
    limiter.close();
    open({ concurrency: 3 });
    expect(readdirSync(join(folder, "present"))).toHaveLength(1);
  });

  it("takes turns between processes, however many calls of one wait", async () => {
    const options = { requests: "50/100ms", transit: 0 };
    const greedy = open(options);
    const modest = open(options);
    const order: string[] = [];
    const ask = (limiter: Limiter, name: string): Promise<unknown> =>
      limiter.acquire().then((permit) => {
        order.push(name);
        permit.release();
      });
    const all = Array.from({ length: 400 }, () => ask(greedy, "greedy"));
    await Promise.all(Array.from({ length: 40 }, () => ask(modest, "modest")));
    expect(order.filter((name) => name === "greedy").length).toBeLessThan(300);
    await Promise.all(all);
  });

  it("makes all processes wait after a refusal, and corrections are everybody's", async () => {
    const [first, second] = [open({ units: "100/h" }), open({ units: "100/h" })];
    const permit = await first.acquire({ units: 90 });
    permit.used(30);
    const other = await second.acquire({ units: 70 });
    const waiting = codeOf(second.acquire({ units: 1 }));
    permit.used(29);
    expect(await Promise.race([waiting, first.acquire({ units: 0 }).then(() => "given")])).toBe(
      "given",
    );
    expect(await waiting).toBe("resolved");
    other.retryAfter("1h");
    await settled(first, second);
    const paused = codeOf(first.acquire({ units: 0 }));
    await settled(first);
    expect(first.waiting).toBe(1);
    first.close();
    expect(await paused).toBe("CLOSED");
  });

  it("counts what was really used, however often that is corrected, up or down", async () => {
    const [first, second] = [open({ units: "100/h" }), open({ units: "100/h" })];
    const permit = await first.acquire({ units: 10 });
    permit.used(60);
    const other = await second.acquire({ units: 40 });
    const waiting = second.acquire({ units: 40 });
    permit.used(20);
    await waiting;
    other.release();
    const beyond = codeOf(first.acquire({ units: 1 }));
    await settled(first, second);
    expect(first.waiting).toBe(1);
    permit.used(19);
    permit.release();
    expect(await beyond).toBe("resolved");
  });

  it("refuses only whoever would have to wait and finds its queue full", async () => {
    const roomy = open({ concurrency: 100, queue: 1 });
    await Promise.all(Array.from({ length: 100 }, () => roomy.acquire()));
    const ends = [codeOf(roomy.acquire()), codeOf(roomy.acquire()), codeOf(roomy.acquire())];
    expect(await Promise.all(ends.slice(1))).toEqual(["QUEUE_FULL", "QUEUE_FULL"]);
    expect(roomy.waiting).toBe(1);
    expect(await codeOf(roomy.acquire())).toBe("QUEUE_FULL"); // at once: there is no turn to come
    roomy.close();
    expect(await ends[0]).toBe("CLOSED");
  });

  it("has room in its queue for who comes after a permit was given back", async () => {
    const limiter = open({ concurrency: 1, queue: 1 });
    const held = await limiter.acquire();
    const second = limiter.acquire();
    await settled(limiter);
    held.release();
    const third = codeOf(limiter.acquire());
    (await second).release();
    expect(await third).toBe("resolved");
  });

  it("is for equals only", () => {
    open({ concurrency: 2 }).close();
    open({ concurrency: 3 });
    expect(() => open({ concurrency: 2 })).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        message: expect.stringMatching(/other bounds/) as string,
      }),
    );
  });

  it("remembers what was used before the machine was started anew", async () => {
    let [now, wall, boot] = [5_000_000, 1e12, "first"];
    const clock: SharedClock = {
      now: () => now,
      wall: () => wall,
      get boot() {
        return boot;
      },
    };
    const before = open({ requests: "2/day", transit: 0 }, clock);
    await before.acquire();
    before.close();
    [now, wall, boot] = [1000, wall + 3_600_000, "second"];
    const after = open({ requests: "2/day", transit: 0 }, clock);
    await after.acquire();
    const third = after.acquire();
    await settled(after);
    expect(after.waiting).toBe(1);
    now += 86_400_000 * 1.001 - 3_600_000 + 2; // a day after the first, by both clocks
    await third;
    after.close();
    // Set back by years: what cannot be known counts as just used.
    [now, wall, boot] = [2000, 0, "third"];
    const last = open({ requests: "2/day", transit: 0 }, clock);
    const fourth = codeOf(last.acquire());
    await settled(last);
    expect(last.waiting).toBe(1);
    last.close();
    expect(await fourth).toBe("CLOSED");
  });

  it("says why its folder cannot be used", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const bounds = parseBounds({ concurrency: 1 });
    expect(() => new SharedLedger(join(file, "below"), bounds)).toThrow(
      expect.objectContaining({ code: "LIMITER_UNUSABLE" }),
    );
  });

  it("is opened by its name in a scope", async () => {
    await using scope = await openScope();
    const limiter = scope.limiter("api", { concurrency: 1, shared: join(folder, "api") });
    await using permit = await limiter.acquire();
    expect(permit.units).toBe(1);
  });
});

/** Some turns of the event loop, for changes that are written at the end of one. */
async function settled(...shared: Limiter[]): Promise<void> {
  for (let turn = 0; turn < 20 * shared.length; turn++) await new Promise(setImmediate);
}
