import type { PoolOptions } from "cofferdam";

/**
 * For each batch, which takes a part of a second. The larger young generation is for the many small
 * buffers of a Parquet file: most are garbage by the next collection, which then comes less often.
 */
export const workerOptions: Pick<PoolOptions, "timeout" | "memory" | "env"> = {
  timeout: "10m",
  memory: "2 GB",
  env: { NODE_OPTIONS: nodeOptions("--max-semi-space-size=32") },
};

function nodeOptions(added: string): string {
  const given = process.env["NODE_OPTIONS"];
  return given === undefined || given === "" ? added : `${given} ${added}`;
}
