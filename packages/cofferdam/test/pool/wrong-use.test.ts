/** What a caller gets wrong is refused at once, by its name, and breaks nothing else. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openScope, type PoolOptions, type Scope, type WorkerSource } from "cofferdam";
import type * as Work from "../fixtures/work.ts";

const work = new URL("../fixtures/work.ts", import.meta.url);

let scope: Scope;

beforeAll(async () => {
  scope = await openScope();
});

afterAll(() => scope.close());

it.each<[string, RegExp, unknown]>([
  ["text", /a module by its URL .* what was given is "\.\/work\.ts"/, "./work.ts"],
  ["nothing", /what was given is of type undefined/, undefined],
  ["null", /what was given is of type object/, null],
  ["a program that is no list", /program is the list of a command's words/, { program: "cat" }],
  ["a program of no words", /program is the list/, { program: [] }],
  ["a program of other things", /program is the list/, { program: ["cat", 1] }],
])("a pool for %s", (_, message, source) => {
  expect(() => scope.pool(source as WorkerSource)).toThrow(message);
});

it.each<[unknown, RegExp]>([
  [{ recycleAbove: 0 }, /^recycleAbove must be above 0/],
  [{ idleTimeout: 0 }, /^idleTimeout must be above 0/],
  [{ startTimeout: "0s" }, /^startTimeout must be above 0/],
  [{ output: "ignore" }, /^output is "ignore"; it can be capture, inherit$/],
  [{ ipc: "shared" }, /^ipc is "shared"; it can be task, scope, host$/],
  [{ retries: 3 }, /^retries are told by what ended the task/],
  [{ retries: { crashes: 3 } }, /"crashes"; it can be crash, timeout, memory, error$/],
  [{ resources: { gpu: 1 } }, /^resources are counted by the scope's budget/],
])("the options %j", (options, message) => {
  expect(() => scope.pool(work, options as PoolOptions)).toThrow(message);
});

it.each([undefined, 42, Symbol("add"), ["add"]])("a function called %s", async (name) => {
  await using pool = scope.pool<typeof Work>(work, { workers: 1 });
  await expect(pool.run(name as never, ...([1, 2] as never))).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(await pool.run("add", 1, 2)).toBe(3);
});

it.each([
  [null, /not a value of type null$/],
  [undefined, /not a value of type undefined$/],
  [() => [1], /what a generator function returns\), not a value of type function$/],
  [Promise.resolve([]), /not a value of type object$/],
])("a map over %s", async (inputs, message) => {
  await using pool = scope.pool<typeof Work>(work, { workers: 1 });
  const first = pool.map("length", inputs as unknown as string[]).next();
  await expect(first).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringMatching(message) as string,
  });
});

it("a containment that there is not", async () => {
  await expect(openScope({ containment: "namespaces" as "namespace" })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: 'containment is "namespaces"; it can be group, subreaper, namespace',
  });
});
