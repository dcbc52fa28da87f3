import type { Writable } from "node:stream";

/** What a renderer writes to: `process.stderr`, or any `Writable`. */
export type RendererStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** How much may wait in the stream's own buffer before lines are dropped. */
const LIMIT_BYTES = 4 * 1024 * 1024;

export interface Sink {
  /** Nothing waits: a frame of a bar may be drawn. */
  readonly ready: boolean;
  /**
   * Writes, or drops when too much waits already. Never throws and never buffers of its own.
   * Progress must not end a run: after the first error (EPIPE, a full disk) it does nothing.
   */
  write(text: string): void;
  /** Writes also when too much waits: for the few things that must not be missing. */
  force(text: string): void;
}

export interface SinkOptions {
  /** What to write, before the next text that gets through, about writes that were dropped. */
  readonly describeDropped: (count: number) => string;
  readonly limitBytes?: number;
}

/**
 * `process.stderr` and `process.stdout` are synchronous for files, terminals and (on Linux) pipes, so
 * there a slow reader slows the run and nothing is ever dropped. Only another stream can be behind.
 */
export function createSink(stream: RendererStream, options: SinkOptions): Sink {
  const { describeDropped, limitBytes = LIMIT_BYTES } = options;
  const health = watch(stream);
  let dropped = 0;

  const alive = () => !health.broken && stream.writable;

  const force = (text: string): void => {
    const whole = dropped > 0 ? describeDropped(dropped) + text : text;
    dropped = 0;
    if (whole === "" || !alive()) return;
    try {
      stream.write(whole);
    } catch {
      health.broken = true;
    }
  };

  return {
    get ready() {
      return alive() && stream.writableLength === 0;
    },
    write(text) {
      if (stream.writableLength > limitBytes) dropped += 1;
      else force(text);
    },
    force,
  };
}

interface Health {
  broken: boolean;
}

const watched = new WeakMap<RendererStream, Health>();

/**
 * An 'error' without a listener is an uncaught exception, and EPIPE may come after the last write. So
 * the listener stays as long as the stream, one for each stream and not for each renderer. What it
 * saw is remembered here: `process.stderr` forgets its own errors and would meet EPIPE each time.
 */
function watch(stream: RendererStream): Health {
  const known = watched.get(stream);
  if (known) return known;
  const health: Health = { broken: false };
  watched.set(stream, health);
  stream.on("error", () => {
    health.broken = true;
  });
  return health;
}
