import { fileURLToPath } from "node:url";

/** What the hostile task starts. The names are those of the published tables. */
export const HOSTILE_KINDS = {
  "600.4701": "plain sleep",
  "600.4702": "setsid sleep",
  "600.4703": "ignores TERM, INT, HUP",
  "600.4704": "double fork",
} as const;

export type HostileKind = (typeof HOSTILE_KINDS)[keyof typeof HOSTILE_KINDS];

export const HOSTILE_COUNT = Object.keys(HOSTILE_KINDS).length;

/** The command line of the hostile task. It needs `/bin/sh`, `sleep` and `setsid`. */
export const HOSTILE_TASK: readonly string[] = [
  "/bin/sh",
  fileURLToPath(new URL("task.sh", import.meta.url)),
];

/** Which of the four descendants this is; `undefined` for any other process. */
export function hostileKind(cmdline: readonly string[]): HostileKind | undefined {
  const [program, length] = cmdline;
  if (program === undefined || length === undefined) return undefined;
  if (program !== "sleep" && !program.endsWith("/sleep")) return undefined;
  const kinds: Readonly<Record<string, HostileKind>> = HOSTILE_KINDS;
  return kinds[length];
}
