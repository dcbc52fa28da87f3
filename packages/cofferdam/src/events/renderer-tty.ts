import { ASCII_SIGNS, drawBar, UNICODE_SIGNS } from "./bar.ts";
import { createPaint, wantsColour } from "./colour.ts";
import type { Environment } from "./colour.ts";
import { droppedLine, lastingLine } from "./lines.ts";
import { createProgress } from "./progress.ts";
import type { RendererContext, RendererCore } from "./renderer.ts";
import { createSink } from "./sink.ts";

/*
 * How a frame is drawn. Its lines are written below one another, and then the cursor goes back up to
 * the first column of the first: that is where it rests between frames, and also where it is when
 * the process is killed. So "clear from the cursor down" is all it takes to erase a frame, and it
 * stays right when the terminal is resized in between: terminals that re-wrap what is on the screen
 * (tmux, VTE, kitty) take the cursor along with its text, and the others (xterm, screen) leave it.
 * Counting lines to go up, as is usual, is wrong on one of the two kinds.
 *
 * The cursor is hidden, and wrapping at the right edge is off, only within one write. Wrapping off is
 * the second line of defence: should a terminal find a name wider than we do, the line is cut.
 */
const FRAME_BEGIN = "\u001b[?2026h\u001b[?25l\u001b[?7l\r";
const FRAME_END = "\u001b[?7h\u001b[?25h\u001b[?2026l";
const ERASE_LINE_RIGHT = "\u001b[K";
const ERASE_DOWN = "\u001b[J";
/**
 * Erases from the cursor's line down. The blank comes first because tmux takes "erase down" in the
 * top left corner for a `clear`, and keeps what stood there in its history.
 */
const ERASE_FRAME = `\r ${ERASE_DOWN}\r${ERASE_LINE_RIGHT}`;
/** Whatever was being written: wrapping on, cursor visible, and the bar gone. */
const RESTORE = `${FRAME_END}${ERASE_FRAME}`;

/** At most 12 frames a second. */
const FRAME_MS = 84;
/** The time left counts down also while nothing happens. */
const IDLE_MS = 1000;

export function createTtyRenderer({ stream, env, now }: RendererContext): RendererCore {
  const paint = createPaint(wantsColour(env, true));
  const sink = createSink(stream, {
    describeDropped: (count) => `${ERASE_FRAME}${droppedLine(count, paint)}\r\n`,
  });
  const signs = isUnicode(env) ? UNICODE_SIGNS : ASCII_SIGNS;
  const progress = createProgress();
  /** What stands on the terminal, "" when nothing does. */
  let frame = "";
  let drawnAt = -Infinity;
  let drawnColumns = 0;
  let timer: NodeJS.Timeout | undefined;
  /** The timer is for the next frame, not for the idle one. */
  let soon = false;

  const draw = (): void => {
    const at = now();
    drawnAt = at;
    soon = false;
    schedule(IDLE_MS);
    // A terminal that is behind (a slow line, Ctrl-S) gets the newest frame when it has caught up.
    if (!sink.ready) return;
    const columns = stream.columns ?? 0;
    const rows = stream.rows ?? 0;
    const lines = drawBar(progress, {
      columns: columns > 0 ? columns : 80,
      bars: rows > 0 ? Math.max(1, rows - 3) : Infinity,
      withNames: rows <= 0 || rows > 3,
      signs,
      paint,
      at,
    });
    const up = lines.length > 1 ? `\u001b[${lines.length - 1}A` : "";
    // Drawn over the last frame, not after erasing it, which would flicker; but after a resize old
    // lines may lie differently.
    const first = columns === drawnColumns ? "" : ERASE_FRAME;
    const body = lines.join(`${ERASE_LINE_RIGHT}\r\n`);
    frame = `${FRAME_BEGIN}${first}${body}${ERASE_DOWN}${up}\r${FRAME_END}`;
    drawnColumns = columns;
    sink.force(frame);
  };

  const schedule = (delayMs: number): void => {
    clearTimeout(timer);
    // Showing progress is no reason to keep a process alive.
    timer = setTimeout(draw, delayMs).unref();
  };

  const drawSoon = (): void => {
    const since = now() - drawnAt;
    if (since >= FRAME_MS || since < 0) draw();
    else if (!soon) {
      soon = true;
      schedule(FRAME_MS - since);
    }
  };

  const erase = (): void => {
    clearTimeout(timer);
    soon = false;
    if (frame !== "") sink.force(RESTORE);
    frame = "";
  };

  /** Above the bar, to stay. The bar follows in the same write, so that it does not flicker. */
  const writeLine = (line: string): void => {
    const begin = frame === "" ? "" : ERASE_FRAME;
    sink.write(`${begin}${line}\r\n${frame}`);
  };

  const onResize = (): void => {
    if (frame !== "") draw();
  };
  stream.on("resize", onResize);

  return {
    listener(event) {
      progress.apply(event);
      const line = lastingLine(event, paint);
      if (line !== undefined) writeLine(line);
      if (event.type === "run-finished") erase();
      else if (progress.active) drawSoon();
    },
    clear: erase,
    close() {
      stream.off("resize", onResize);
      erase();
    },
    restore: RESTORE,
  };
}

/** `LANG` and its kin when they are set; a terminal that says nothing is taken for a modern one. */
function isUnicode(env: Environment): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value);
  return env["TERM"] !== "linux" && (locale === undefined || /utf-?8/i.test(locale));
}
