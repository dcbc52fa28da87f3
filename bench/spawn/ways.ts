/** The ways to run /bin/true so many times, so many at once. Each gives the seconds it took. */
import { spawn } from "node:child_process";
import type { Scope } from "cofferdam";
import { run } from "./programs.ts";

export const command = "/bin/true";

export interface Load {
  readonly count: number;
  readonly concurrency: number;
}

export type Way = (load: Load) => Promise<number>;

/** Keeps so many going until all have been. */
async function keepGoing({ count, concurrency }: Load, once: () => Promise<void>): Promise<number> {
  const since = performance.now();
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started++ < count) await once();
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return (performance.now() - since) / 1000;
}

export function cofferdam(scope: Scope): Way {
  return (load) =>
    keepGoing(load, async () => {
      await scope.exec([command], { stdout: "ignore", stderr: "ignore" });
    });
}

/** Node's own, which contains nothing. */
export const childProcess: Way = (load) =>
  keepGoing(
    load,
    () =>
      new Promise((resolve, reject) => {
        const child = spawn(command, { stdio: "ignore" });
        child.once("error", reject);
        child.once("exit", () => resolve());
      }),
  );

/** The same namespaces from C, or none. */
export function loop(binary: string, kind: "namespace" | "plain"): Way {
  return async ({ count, concurrency }) =>
    Number(await run(binary, [String(count), String(concurrency), kind, command]));
}

/** GNU parallel, its own start included. */
export const parallel: Way = async ({ count, concurrency }) => {
  const since = performance.now();
  // `true` takes no notice of its argument; -N0 would hand over none, and is slower.
  const lines = Array.from({ length: count }, (_, index) => String(index)).join("\n");
  await run("parallel", ["--will-cite", "-j", String(concurrency), command], `${lines}\n`);
  return (performance.now() - since) / 1000;
};
