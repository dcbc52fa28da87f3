import { openScope } from "cofferdam";
import type * as Worker from "./worker.ts";

export interface RateOptions {
  readonly limit: number;
  readonly windowMs: number;
  readonly workers: number;
  /** For each worker. */
  readonly calls: number;
}

export interface RateResult {
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  /**
   * The share of the allowed rate that was used: after each call the limit lets the one that is
   * `limit` further on come no sooner than a window later; this is that window divided by what it
   * took, at the mean.
   */
  readonly used: number;
}

/** Workers call a server that enforces the very limit that they share. */
export async function measureRate(options: RateOptions): Promise<RateResult> {
  const { limit, windowMs, workers, calls } = options;
  await using scope = await openScope();
  scope.limiter("server", { requests: `${limit}/${windowMs}ms` });
  const module = new URL("./worker.ts", import.meta.url);
  const servers = scope.pool<typeof Worker>(module, { workers: 1, threads: 0 });
  const callers = scope.pool<typeof Worker>(module, { workers, threads: 0 });
  const { promise: port, resolve } = Promise.withResolvers<number>();
  const serving = servers.runWith(
    { onMessage: (value) => resolve(value as number) },
    "serve",
    limit,
    windowMs,
    workers * calls,
  );
  const listening = await port;
  await Promise.all(
    Array.from({ length: workers }, () => callers.run("call", listening, calls, 16)),
  );
  const { refused, acceptedAt } = await serving;
  const used = shareUsed(acceptedAt, limit, windowMs);
  const seconds = ((acceptedAt.at(-1) ?? 0) - (acceptedAt[0] ?? 0)) / 1000;
  return { accepted: acceptedAt.length, refused, seconds, used };
}

function shareUsed(acceptedAt: Float64Array, limit: number, windowMs: number): number {
  let sumMs = 0;
  for (let index = limit; index < acceptedAt.length; index++)
    sumMs += (acceptedAt[index] ?? 0) - (acceptedAt[index - limit] ?? 0);
  return windowMs / (sumMs / (acceptedAt.length - limit));
}
