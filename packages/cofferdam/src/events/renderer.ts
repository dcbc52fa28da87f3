import { CofferdamError } from "../errors/index.ts";
import type { Environment } from "./colour.ts";
import type { EventListener } from "./event.ts";
import { createJsonRenderer } from "./renderer-json.ts";
import { createPlainRenderer } from "./renderer-plain.ts";
import { createTtyRenderer } from "./renderer-tty.ts";
import type { RendererStream } from "./sink.ts";

/**
 * - `tty`: one bar, redrawn in place; failures and notices stay above it.
 * - `plain`: lines for a log.
 * - `json`: each event on a line, for programs.
 * - `none`: nothing.
 * - `auto`: `tty` on a terminal that is not dumb and not a CI's, else `plain`.
 */
export type RendererMode = "auto" | "tty" | "plain" | "json" | "none";

export interface RendererOptions {
  readonly mode: RendererMode;
  /** Default: `process.stderr`, so that standard output stays the results'. */
  readonly stream?: RendererStream;
  /** Default: `process.env`. Read: `TERM`, `CI`, `NO_COLOR`, `FORCE_COLOR`, `LC_ALL`, `LC_CTYPE`, `LANG`. */
  readonly env?: Environment;
  /** Milliseconds since the epoch, as in the events. Default: `Date.now`. */
  readonly now?: () => number;
}

export interface Renderer extends Disposable {
  /** Never throws. Events after `close` are ignored. */
  readonly listener: EventListener;
  /**
   * Takes the bar off the terminal, for the caller to write there; the next event draws it again.
   * What the caller writes ends with a newline.
   */
  clear(): void;
  /** Takes the bar off the terminal for good, stops the timer. Closing twice is fine. */
  close(): void;
  /**
   * What erases the bar and makes the terminal as it was: empty unless the mode is `tty`. Installing
   * signal handlers is the program's business; one that ends the process writes this first:
   * `fs.writeSync(2, renderer.restore)`. After a SIGKILL nothing is broken either: the cursor rests
   * on the bar's first column, visible, and the next prompt is written over the bar.
   */
  readonly restore: string;
}

/** What a renderer of one mode is made of. */
export type RendererCore = Omit<Renderer, typeof Symbol.dispose>;

export interface RendererContext {
  readonly stream: RendererStream;
  readonly env: Environment;
  readonly now: () => number;
}

/**
 * Shows a run to whom it concerns: a pure consumer of events. A stream that fails or is closed by its
 * reader silences it; a stream that is behind gets no more frames, and beyond 4 MiB no more lines
 * (then a line says how many are missing).
 */
export function createRenderer(options: RendererOptions): Renderer {
  const { stream = process.stderr, env = process.env, now = Date.now } = options;
  const mode = options.mode === "auto" ? automaticMode(stream, env) : options.mode;
  const { listener, clear, close, restore } = createCore(mode, { stream, env, now });
  let closed = false;
  const closeOnce = () => {
    if (closed) return;
    closed = true;
    close();
  };
  return {
    listener: (event) => {
      if (!closed) listener(event);
    },
    clear: () => {
      if (!closed) clear();
    },
    close: closeOnce,
    restore,
    [Symbol.dispose]: closeOnce,
  };
}

function createCore(mode: Exclude<RendererMode, "auto">, context: RendererContext): RendererCore {
  switch (mode) {
    case "tty":
      return createTtyRenderer(context);
    case "plain":
      return createPlainRenderer(context);
    case "json":
      return createJsonRenderer(context);
    case "none": {
      const nothing = () => undefined;
      return { listener: nothing, clear: nothing, close: nothing, restore: "" };
    }
    default:
      // Reached from untyped code: a mode is what a user may have written.
      throw new CofferdamError("INVALID_ARGUMENT", `no such mode: ${String(mode satisfies never)}`);
  }
}

function automaticMode(stream: RendererStream, env: Environment): "tty" | "plain" {
  const ci = env["CI"] ?? "";
  const isCi = ci !== "" && ci !== "0" && ci !== "false";
  return stream.isTTY === true && env["TERM"] !== "dumb" && !isCi ? "tty" : "plain";
}
