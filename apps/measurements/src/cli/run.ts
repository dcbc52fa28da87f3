import {
  createRenderer,
  errorCode,
  errorMessage,
  escapeForTerminal,
  exitCodes,
  listenBesideProgress,
  type EventListener,
} from "cofferdam";
import type { Summary } from "../summary/summary.ts";
import { summaryText } from "../summary/text.ts";
import { checkSummaryPath, writeSummary } from "../summary/write-summary.ts";
import type { Flags } from "./options.ts";

export interface Watch {
  readonly onEvent: EventListener;
  readonly signal: AbortSignal;
}

/** Runs what works on many files: with progress, interrupts, summary and exit code. */
export async function runAndSummarize(
  flags: Pick<Flags, "progress" | "summary">,
  work: (watch: Watch) => Promise<Summary>,
): Promise<number> {
  const files = flags.summary ?? [];
  for (const file of files) checkSummaryPath(file);
  const renderer = createRenderer({ mode: flags.progress });
  using interrupts = listenBesideProgress(renderer, "the workers", say);
  let summary: Summary;
  try {
    summary = await work({ onEvent: renderer.listener, signal: interrupts.signal });
  } catch (error) {
    if (interrupts.exitCode === null || errorCode(error) !== "CANCELLED") throw error;
    say(errorMessage(error));
    return interrupts.exitCode;
  } finally {
    renderer.close();
  }
  process.stdout.write(summaryText(summary));
  for (const file of files) writeSummary(file, summary);
  if (interrupts.exitCode !== null) return interrupts.exitCode;
  return exitCodeOf(summary);
}

/** As the worst stage: nothing done at all, some refused, or all well. */
function exitCodeOf({ stages }: Summary): number {
  const codes = stages.map(({ ok, skipped, rejected }) =>
    ok + skipped === 0 ? exitCodes.nothingDone : rejected > 0 ? exitCodes.someFailed : exitCodes.ok,
  );
  if (codes.includes(exitCodes.nothingDone)) return exitCodes.nothingDone;
  return Math.max(exitCodes.ok, ...codes);
}

export function say(message: string): void {
  process.stderr.write(`cofferdam measurements: ${escapeForTerminal(message)}\n`);
}
