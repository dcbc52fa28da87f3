import type { CofferdamEvent } from "./event.ts";
import type { RendererContext, RendererCore } from "./renderer.ts";
import { createSink } from "./sink.ts";

type EventType = CofferdamEvent["type"];
type EventOf<Type extends EventType> = Extract<CofferdamEvent, { type: Type }>;
/** The fields of an event, and those of the objects in it. */
type Fields<Event> = Event extends unknown ? keyof Event | NestedFields<Event[keyof Event]> : never;
type NestedFields<Value> = Value extends readonly unknown[]
  ? never
  : Value extends object
    ? keyof Value
    : never;

/**
 * The order of the fields on a line, whatever order they were put together in: lines can be compared
 * and tested. Leaving a field out, or naming one that is none, is a compile error.
 */
const FIELDS: { readonly [Type in EventType]: Readonly<Record<Fields<EventOf<Type>>, true>> } = {
  "run-started": { type: true, at: true, title: true, workers: true },
  "items-discovered": { type: true, at: true, stage: true, total: true, final: true },
  "item-started": { type: true, at: true, stage: true, item: true, attempt: true },
  "item-finished": {
    type: true,
    at: true,
    stage: true,
    item: true,
    outcome: true,
    durationMs: true,
    output: true,
    reason: true,
    error: true,
    code: true,
    message: true,
    since: true,
  },
  "task-started": { type: true, at: true, task: true, pid: true, command: true },
  "task-ended": { type: true, at: true, task: true, outcome: true, durationMs: true, left: true },
  "keeper-started": { type: true, at: true, pid: true, tree: true },
  "keeper-lost": { type: true, at: true, pid: true },
  "memory-sampled": { type: true, at: true, bytes: true },
  notice: { type: true, at: true, level: true, message: true },
  "run-finished": {
    type: true,
    at: true,
    durationMs: true,
    interrupted: true,
    counts: true,
    total: true,
    done: true,
    skipped: true,
    failed: true,
    quarantined: true,
    pending: true,
  },
};

const ORDER = new Map(Object.entries(FIELDS).map(([type, fields]) => [type, Object.keys(fields)]));

/**
 * Legal in JSON, but not harmless: DEL and C1 (commands to a terminal), NEL, U+2028 and U+2029 (line
 * ends to some readers, Python's `splitlines` among them), bidi controls. All occur in strings only,
 * so escaping them keeps the meaning.
 */
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** One line of JSON, without the newline: valid and on one line whatever the names hold. */
export function eventToJson(event: CofferdamEvent): string {
  return JSON.stringify(event, ORDER.get(event.type)).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * For programs: every event, each on a line. On files, terminals and pipes (Linux) of this process's
 * own stdout and stderr writing is synchronous, so no event is ever missing and a slow reader slows
 * the run. Where a stream of another kind is more than 4 MiB behind, events are dropped, and the next
 * line that gets through is a `notice` that says how many; `run-finished`, with its counts, always
 * gets through.
 */
export function createJsonRenderer({ stream, now }: RendererContext): RendererCore {
  const sink = createSink(stream, {
    describeDropped: (count) => `${eventToJson(droppedNotice(count, now()))}\n`,
  });

  return {
    listener(event) {
      const line = `${eventToJson(event)}\n`;
      if (event.type === "run-finished") sink.force(line);
      else sink.write(line);
    },
    clear: () => undefined,
    close: () => sink.force(""),
    restore: "",
  };
}

function droppedNotice(count: number, at: number): CofferdamEvent {
  return { type: "notice", at, level: "warning", message: `${count} events dropped: slow reader` };
}
