import { signalNumber } from "../../keeper/index.ts";
import type { FinishedItem } from "../run/pipeline-run.ts";
import type { JoblogEntry } from "./joblog.ts";
import { quoteCommand } from "./quote.ts";

/** A pipeline's item as a line of a joblog: its command, or where it is a function its name. */
export function joblogEntry(end: FinishedItem, number: number): JoblogEntry {
  const { failure, stage, item, startedAtMs, durationMs } = end;
  const signal = failure?.signal ? signalNumber(failure.signal) : 0;
  return {
    ...{ number, startedAtMs, durationMs, receivedBytes: 0, signal },
    exitCode: failure === null || signal > 0 ? 0 : (failure.exitCode ?? 1),
    command: quoteCommand([stage, item]),
  };
}
