import { CofferdamError } from "../errors/index.ts";
import { checkCount } from "./bounds.ts";
import type { ScopeCore } from "./scope-core.ts";

/**
 * How many jobs all makes, cargos and ninjas of a task may run at once: a GNU make jobserver. At most
 * 4096. Default: as many as it has `threads`, where those are given, a keeper is there, and `MAKEFLAGS`
 * is not set. `false`: none.
 */
export type Jobserver = number | false;

/** A pipe holds so many tokens on any machine. */
const jobsMax = 4096;

/** Throws `INVALID_ARGUMENT`, and `CONTAINMENT_UNAVAILABLE` where one was asked for and cannot be. */
export function jobsOf(
  scope: ScopeCore,
  jobserver: Jobserver | undefined,
  threads: number | undefined,
  env: Readonly<Record<string, string>>,
): { readonly jobs?: number } {
  if (jobserver === false) return {};
  const held = scope.containment.tree !== "group";
  if (jobserver === undefined) {
    if (threads === undefined || !held || env["MAKEFLAGS"]) return {};
    return { jobs: Math.min(threads, jobsMax) };
  }
  checkJobs(jobserver);
  if (held) return { jobs: jobserver };
  throw new CofferdamError(
    "CONTAINMENT_UNAVAILABLE",
    `a jobserver is held by the keeper, and there is none: ${scope.shortfall}; leave \`jobserver\` out to go on without`,
  );
}

/** Throws `INVALID_ARGUMENT`. */
export function checkJobs(jobs: number): void {
  if (checkCount(jobs, "jobserver") <= jobsMax) return;
  throw new CofferdamError("INVALID_ARGUMENT", `jobserver must be at most ${jobsMax}, not ${jobs}`);
}
