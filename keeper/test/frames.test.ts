/** Whatever comes over the control socket: the keeper refuses, ignores or ends in order. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { runFolder } from "../../lab/census/index.ts";
import { buildSanitized, compiler, has, sanitizerEnv } from "./support/build.ts";
import { KeeperProcess, type KeeperOptions, runsBelow } from "./support/keeper-process.ts";
import { garbage } from "./support/nonsense.ts";
import { Random } from "./support/random.ts";
import { sendNonsense } from "./support/scenarios.ts";
import { cause, frame, reply, request, start, stdio, tag } from "./support/wire.ts";

const seed = Number(process.env["COFFERDAM_TEST_SEED"] ?? 20_240_229);

let binary: string;
let logs: string;

function open(options: KeeperOptions = {}): KeeperProcess {
  const env = { ...process.env, ...sanitizerEnv(logs) };
  return new KeeperProcess(binary, runFolder(), { env, ...options });
}

function expectInOrder(exit: { code: number | null; stderr: string }): void {
  expect(exit).toMatchObject({ code: 0, signal: null, stderr: "" });
  expect(runsBelow(runFolder())).toEqual([]);
}

describe.skipIf(process.platform !== "linux" || !has(compiler, "--version"))("frames", () => {
  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), "b-"));
    logs = join(folder, "logs");
    mkdirSync(logs);
    binary = buildSanitized(folder);
  });

  afterEach(() => {
    const reports = readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8"));
    expect(reports, "what the sanitizers found").toEqual([]);
  });

  for (const { name, bytes, hangsUp } of garbage(new Random(seed), 12)) {
    it(`may be ${name}`, async () => {
      const keeper = await open().ready();
      await keeper.send(bytes);
      expectInOrder(await (hangsUp ? keeper.exit : keeper.close()));
    });
  }

  it("may come before the keeper has said a word", async () => {
    const keeper = open();
    await keeper.send(new Random(seed).bytes(200_000));
    expectInOrder(await keeper.hangUp());
  });

  it("may hold any nonsense", async () => {
    const keeper = await open().ready();
    const { starts, started, refused, ended } = await sendNonsense(keeper, 30_000, seed);
    expect({ answers: started + refused, ended }).toEqual({ answers: starts, ended: started });
    if (keeper.contains) expect(started).toBeGreaterThan(20);
    expectInOrder(await keeper.close());
  });

  it("may be cut anywhere", async () => {
    const keeper = await open().ready();
    const frames = Buffer.concat([start(1, ["/bin/true"]), frame(request.start, 2)]);
    const refused = keeper.next(({ task }) => task === 2);
    const over = keeper.next(
      ({ task, type }) => task === 1 && (type === reply.ended || type === reply.refused),
    );
    // Each write is a packet of its own to the keeper, or a few of them together.
    for (const byte of frames) await keeper.send(Buffer.of(byte));
    expect((await refused).type).toBe(reply.refused);
    await over;
    expectInOrder(await keeper.close());
  });

  it("refuses arguments with a NUL, no arguments, and a strange stdio", async () => {
    const keeper = await open().ready();
    const einval = { type: reply.refused, stage: "request", errno: 22 };
    const answer = async (bytes: Buffer): Promise<object> => {
      const found = await keeper.run(bytes);
      return {
        type: found.type,
        stage: found.text(tag.stage),
        errno: found.number(tag.errno),
      };
    };
    expect(await answer(start(1, ["/bin/true", "a\0b"]))).toEqual(einval);
    expect(await answer(start(2, []))).toEqual(einval);
    expect(await answer(start(3, ["/bin/true"], [[tag.stdio, Uint8Array.of(0, 9, 0)]]))).toEqual(
      einval,
    );
    expect(await answer(start(4, ["/bin/true"], [[tag.cwd, "/\0"]]))).toEqual(einval);
    expectInOrder(await keeper.close());
  });

  it("may come in every order about one task", async (context) => {
    const keeper = await open().ready();
    if (!keeper.contains) {
      await keeper.close();
      context.skip();
    }
    const about = [
      (id: number) => frame(request.opened, id),
      (id: number) => frame(request.deadline, id, [[tag.timeout, 1]]),
      (id: number) => frame(request.signal, id, [[tag.number, 15]]),
      (id: number) => frame(request.resume, id),
      (id: number) => frame(request.stop, id, [[tag.grace, 1]]),
      (id: number) => start(id, ["/bin/sleep", "600"]),
    ];
    // All 720 orders; START may so come last, first, or in the middle.
    const orders = permutations(about);
    let id = 1;
    for (const order of orders) {
      const task = id++;
      await keeper.send(Buffer.concat(order.map((make) => make(task))));
    }
    await keeper.echo(0);
    for (let task = 1; task < id; task++) {
      await keeper.send(frame(request.stop, task, [[tag.grace, 0]]));
      await keeper.send(frame(request.opened, task));
    }
    while (keeper.count(reply.ended) < orders.length)
      await keeper.next(({ type }) => type === reply.ended);
    expect(keeper.count(reply.started)).toBe(orders.length);
    expect(keeper.count(reply.refused)).toBe(1);
    expectInOrder(await keeper.close());
  });

  it("refuses a second START of a task, which goes on unharmed", async (context) => {
    const keeper = await open().ready();
    if (!keeper.contains) {
      await keeper.close();
      context.skip();
    }
    const ended = keeper.next(({ type }) => type === reply.ended);
    await keeper.send(
      start(7, ["/bin/cat"], [[tag.stdio, Uint8Array.of(stdio.pipe, stdio.null, stdio.null)]]),
    );
    for (let again = 0; again < 20; again++) {
      const refused = keeper.next(({ type }) => type === reply.refused);
      await keeper.send(start(7, ["/bin/false"], [[tag.scratch, ""]]));
      expect((await refused).number(tag.errno)).toBe(22);
    }
    expect(keeper.count(reply.ended)).toBe(0);
    // The keeper holds the other end of cat's standard input until this.
    await keeper.send(frame(request.opened, 7));
    const end = await ended;
    expect(end.number(tag.status)).toBe(0);
    expect(end.number(tag.cause)).toBe(cause.none);
    expectInOrder(await keeper.close());
  });

  it("may end at any moment", async () => {
    const random = new Random(seed);
    for (let round = 0; round < 20; round++) {
      const keeper = open();
      if (random.oneIn(2)) await keeper.ready();
      for (let task = 1; task <= 20; task++) {
        void keeper.send(start(task, ["/bin/sh", "-c", "setsid sleep 600 & sleep 600"]));
      }
      for (let turn = random.int(20); turn > 0; turn--) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expectInOrder(await keeper.hangUp());
    }
  });
});

function permutations<T>(values: readonly T[]): T[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((value, at) =>
    permutations(values.toSpliced(at, 1)).map((rest) => [value, ...rest]),
  );
}
