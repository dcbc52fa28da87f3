import type { CofferdamEvent, ItemFinished } from "../../../src/events/index.ts";

/** Events of a made-up run, at times counted from a made-up begin. */
export function started(title = "documents", at = 0): CofferdamEvent {
  return { type: "run-started", at, title, workers: 4 };
}

export function discovered(total: number, final = true, at = 0): CofferdamEvent {
  return { type: "items-discovered", at, total, final };
}

export function begun(item: string, at = 0): CofferdamEvent {
  return { type: "item-started", at, item, attempt: 1 };
}

export function done(item: string, at = 0): ItemFinished {
  return { type: "item-finished", at, item, outcome: "done", durationMs: 3100 };
}

export function skipped(item: string, at = 0): ItemFinished {
  const reason = "unchanged";
  return { type: "item-finished", at, item, outcome: "skipped", durationMs: 1, reason };
}

export function failed(item: string, message = "exit code 1", at = 0): ItemFinished {
  const error = { code: "EXIT", message };
  return { type: "item-finished", at, item, outcome: "failed", durationMs: 3100, error };
}

export function notice(message: string, level: "info" | "warning" = "warning"): CofferdamEvent {
  return { type: "notice", at: 0, level, message };
}

export function finished(at = 0): CofferdamEvent {
  const counts = { total: 3, done: 2, skipped: 0, failed: 1, quarantined: 0, pending: 0 };
  return { type: "run-finished", at, durationMs: 5, interrupted: false, counts };
}

/** File names as they are found in the wild, and as an enemy would choose them. */
export const NASTY_NAMES: readonly string[] = [
  "a\u001b[2J\u001b[31mred.pdf",
  "\u009b2Jc1.pdf",
  "two\nlines\r\n.pdf",
  "tab\tbell\u0007backspace\b\u007f.pdf",
  "exe\u202efdp.exe",
  "\u2066isolate\u2069.pdf",
  "\u2028line\u2029separators\u0085.pdf",
  "\ud800lone\udfff.pdf",
  "日本語のとても長いファイル名の報告書その二.pdf",
  "e\u0301".repeat(60),
  `z${"\u0300".repeat(5000)}algo`,
  "👨‍👩‍👧‍👦".repeat(20),
  "❤\ufe0f".repeat(40),
  "\u1112\u1161\u11ab".repeat(20),
  "العربية.txt",
  "soft\u00adhyphen\u200bzero\ufeffbom.txt",
  "\u{e0041}\u{e007f}tags",
  "\u001b]0;title\u0007osc",
  "x".repeat(10_000),
  "字".repeat(5000),
  "",
  " ",
  "__proto__",
];
