import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openScope } from "cofferdam";
import type * as Worker from "./worker.ts";

export interface Slots {
  /** Slots that can be had after the kills. */
  readonly free: number;
  /** Workers that were refused a slot although nobody lived who had one. */
  readonly refused: number;
}

const counter = fileURLToPath(new URL("./programs/counter.py", import.meta.url));

/** A counter, one less in `finally`. */
export async function measureCounter(python: string, slots: number, kills: number): Promise<Slots> {
  const { stdout } = await promisify(execFile)(python, [counter, String(slots), String(kills)]);
  return JSON.parse(stdout) as Slots;
}

/** Leases, bound to their holder. */
export async function measureLeases(slots: number, kills: number): Promise<Slots> {
  await using scope = await openScope();
  const limiter = scope.limiter("slots", { concurrency: slots });
  const pool = scope.pool<typeof Worker>(new URL("./worker.ts", import.meta.url), {
    workers: 1,
    retries: { crash: 0 },
  });
  let refused = 0;
  for (let kill = 0; kill < kills; kill++)
    await pool.run("dieHolding").catch((error: unknown) => {
      if ((error as { code?: string }).code !== "CRASH") refused++;
    });
  const asked = Array.from({ length: slots }, () => limiter.acquire());
  const free = slots - limiter.waiting;
  limiter.close();
  await Promise.allSettled(asked);
  return { free, refused };
}
