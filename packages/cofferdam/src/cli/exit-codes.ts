import type { ItemCounts } from "../events/index.ts";

/**
 * Exit codes of all commands but `exec`, which has those of `timeout` and `env`: wrong usage of it
 * is 125, for a 1 is its command's.
 */
export const exitCodes = {
  ok: 0,
  usage: 1,
  nothingDone: 2,
  someFailed: 3,
  interrupted: 130,
} as const;

/** Of a run that was not stopped. */
export function exitCodeOf(counts: ItemCounts, allowPartial: boolean): number {
  const { total, done, skipped, failed, quarantined } = counts;
  if (failed + quarantined === 0) return exitCodes.ok;
  if (total > 0 && done + skipped === 0) return exitCodes.nothingDone;
  return allowPartial ? exitCodes.ok : exitCodes.someFailed;
}

/** What a shell gives for a program that a signal ended. */
export const signalExitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
export type InterruptSignal = keyof typeof signalExitCodes;
