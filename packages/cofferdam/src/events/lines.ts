import { formatCount, formatDuration, formatMinute } from "../units/index.ts";
import type { Paint } from "./colour.ts";
import { escapeForTerminal, firstLine } from "./escape.ts";
import type { CofferdamEvent, ItemFinished, ItemOutcome } from "./event.ts";
import { assertNever } from "./event.ts";
import { boundText, shorten } from "./width.ts";

const COLOURS = { done: "green", skipped: "dim", failed: "red", quarantined: "red" } as const;

/** How much of one message is shown. The whole of it is in the joblog. */
const MESSAGE_COLUMNS = 500;

/**
 * The line a person should find in the terminal's history, if the event deserves one: failures,
 * notices, a lost keeper, a process that would not die. It may be longer than the terminal is wide:
 * the path of a failed file is never shortened.
 */
export function lastingLine(event: CofferdamEvent, paint: Paint): string | undefined {
  switch (event.type) {
    case "item-finished":
      return isFailure(event.outcome) ? itemLine(event, paint) : undefined;
    case "notice":
      return noticeLine(event.level, event.message, paint);
    case "keeper-lost":
      return noticeLine("warning", `the keeper (pid ${event.pid}) died; its tasks are lost`, paint);
    case "task-ended": {
      if (event.outcome !== "stuck") return undefined;
      const left = event.left === 1 ? "1 process" : `${event.left} processes`;
      return noticeLine("warning", `task ${event.task} is stuck: ${left} left`, paint);
    }
    case "run-started":
    case "items-discovered":
    case "item-started":
    case "task-started":
    case "keeper-started":
    case "memory-sampled":
    case "run-finished":
      return undefined;
    default:
      return assertNever(event);
  }
}

/**
 * `done a.pdf (3.1 s)`, `skipped b.pdf: unchanged`, `failed c.pdf: TIMEOUT: … (10 min 00 s)`,
 * `failed d.pdf: PDF_EMPTY: … (unchanged since 2026-11-21 10:12)`.
 */
export function itemLine(event: ItemFinished, paint: Paint): string {
  const why = [event.error?.code, event.error?.message ?? event.reason]
    .filter((part) => part !== undefined && part !== "")
    .map((part) => shorten(firstLine(part ?? ""), MESSAGE_COLUMNS));
  const stage = event.stage === undefined ? "" : `${escapeForTerminal(event.stage)}: `;
  const name = `${stage}${escapeForTerminal(boundText(event.item))}`;
  const line = [`${paint(COLOURS[event.outcome], event.outcome)} ${name}`];
  return [...line, ...why].join(": ") + howLong(event);
}

function howLong({ outcome, durationMs, error }: ItemFinished): string {
  if (outcome === "skipped") return "";
  if (error?.since !== undefined) return ` (unchanged since ${formatMinute(error.since)})`;
  return ` (${formatDuration(durationMs)})`;
}

/** Says that lines are missing. */
export function droppedLine(dropped: number, paint: Paint): string {
  return noticeLine("warning", `${formatCount(dropped)} lines dropped: slow reader`, paint);
}

export function isFailure(outcome: ItemOutcome): boolean {
  return outcome === "failed" || outcome === "quarantined";
}

function noticeLine(level: "info" | "warning", message: string, paint: Paint): string {
  const word = level === "warning" ? paint("yellow", "warning:") : paint("cyan", "note:");
  return `${word} ${shorten(firstLine(message), MESSAGE_COLUMNS)}`;
}
