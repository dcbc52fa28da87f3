import { formatCount, formatRate } from "../units/index.ts";
import { formatLeft, percentage } from "./bar.ts";
import { createPaint, wantsColour } from "./colour.ts";
import { escapeForTerminal } from "./escape.ts";
import { droppedLine, itemLine, lastingLine } from "./lines.ts";
import { createProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import type { RendererContext, RendererCore } from "./renderer.ts";
import { createSink } from "./sink.ts";

/** Up to this many items each gets a line; of more, progress is told now and then. */
const SMALL_TOTAL = 50;
/** A progress line each so many per cent, but not more often than … */
const STEP_PERCENT = 5;
/** … this, and at least … */
const MIN_GAP_MS = 3000;
/** … this often while items finish. */
const MAX_GAP_MS = 30_000;

/**
 * For logs: whole lines, no cursor movement, no timer, no time stamps (a log has its own). Failures
 * and notices always get a line.
 */
export function createPlainRenderer({ stream, env, now }: RendererContext): RendererCore {
  const paint = createPaint(wantsColour(env, stream.isTTY === true));
  const sink = createSink(stream, {
    describeDropped: (count) => `${droppedLine(count, paint)}\n`,
  });
  const progress = createProgress();
  let told = { at: 0, finished: 0 };

  const write = (line: string): void => sink.write(`${line}\n`);

  const tellProgress = (): void => {
    const at = now();
    if (!isDue(progress, told, at)) return;
    told = { at, finished: progress.finished };
    write(progressLine(progress, at));
  };

  return {
    listener(event) {
      progress.apply(event);
      if (event.type === "run-started") told = { at: now(), finished: 0 };
      const line = lastingLine(event, paint);
      if (line !== undefined) write(line);
      if (event.type !== "item-finished") return;
      if (progress.total > SMALL_TOTAL) tellProgress();
      else if (line === undefined) write(itemLine(event, paint));
    },
    clear: () => undefined,
    close: () => sink.force(""),
    restore: "",
  };
}

function isDue(progress: Progress, told: { at: number; finished: number }, at: number): boolean {
  const gap = at - told.at;
  // A clock set back must not silence the log until it has caught up.
  if (gap >= MAX_GAP_MS || gap < 0) return true;
  if (!progress.totalIsFinal) return false;
  if (progress.finished === progress.total) return true;
  const step = (progress.total * STEP_PERCENT) / 100;
  return gap >= MIN_GAP_MS && progress.finished - told.finished >= step;
}

/** `documents: 120/3,400 (3%), 3.2/s, 17 min 05 s left, 1 failed`. */
function progressLine(progress: Progress, at: number): string {
  const count = `${formatCount(progress.finished)}/${formatCount(progress.total)}`;
  const percent = percentage(progress);
  const rate = progress.rate(at);
  const left = progress.left(at);
  const parts = [percent === undefined ? `${count}+` : `${count} (${percent}%)`];
  if (rate !== undefined) parts.push(formatRate(rate));
  if (left !== undefined) parts.push(`${formatLeft(left)} left`);
  if (progress.failures > 0) parts.push(`${formatCount(progress.failures)} failed`);
  const title = escapeForTerminal(progress.title);
  return `${title === "" ? "" : `${title}: `}${parts.join(", ")}`;
}
