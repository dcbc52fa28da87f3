import { expect, it } from "vitest";
import { OrderedOutput, type JobOutput } from "../../src/pipeline/map/ordered-output.ts";

function output(stdout: string): JobOutput {
  return { stdout, stderr: "" };
}

/** What was written and said to be passed on, in order. `write` waits for `next`. */
function record(ordered: boolean) {
  const seen: string[] = [];
  const writing: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const ordering = new OrderedOutput(ordered, ({ stdout }) => {
    seen.push(`write ${stdout}`);
    return new Promise<void>((resolve, reject) => writing.push({ resolve, reject }));
  });
  const finish = (number: number): Promise<void> =>
    ordering.finish(number, output(String(number)), () => seen.push(`passed on ${number}`));
  return { seen, writing, finish };
}

it("says that a job is passed on when its write has ended, and no sooner", async () => {
  const { seen, writing, finish } = record(false);
  const finished = finish(7);
  expect(seen).toEqual(["write 7"]);
  writing.shift()?.resolve();
  await finished;
  expect(seen).toEqual(["write 7", "passed on 7"]);
});

it("passes on in order, one after the other, also what finishes during a write", async () => {
  const { seen, writing, finish } = record(true);
  await finish(2);
  expect(seen).toEqual([]);
  const first = finish(1);
  const third = finish(3);
  expect(seen).toEqual(["write 1"]);
  for (const expected of ["write 2", "write 3"]) {
    writing.shift()?.resolve();
    while (!seen.includes(expected)) await Promise.resolve();
  }
  writing.shift()?.resolve();
  await Promise.all([first, third]);
  const job = (number: number) => [`write ${number}`, `passed on ${number}`];
  expect(seen).toEqual([...job(1), ...job(2), ...job(3)]);
  const fourth = finish(4);
  writing.shift()?.resolve();
  await fourth;
  expect(seen.slice(6)).toEqual(job(4));
});

it.each([true, false])("passes on nothing more after a failure (ordered: %s)", async (ordered) => {
  const { seen, writing, finish } = record(ordered);
  const first = finish(1);
  writing.shift()?.reject(new Error("full"));
  await expect(first).rejects.toThrow("full");
  await finish(2);
  expect(seen).toEqual(["write 1"]);
});

it("lets a job start that was too far ahead when the first has been passed on", async () => {
  const ordering = new OrderedOutput(true, () => undefined);
  const far = ordering.mayStart(4097);
  await ordering.finish(1, output("1"));
  expect(await far).toBe(true);
  const farther = ordering.mayStart(10_000);
  ordering.release();
  expect(await farther).toBe(false);
});
