import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A file's text, or null where it cannot be read. `root` is `/` but for a copy of a machine's files. */
export function readText(root: string, path: string): string | null {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return null;
  }
}

/** A file that holds one number. Null where it holds none (`max`) or cannot be read. */
export function readNumber(root: string, path: string): number | null {
  const text = readText(root, path)?.trim() ?? "";
  return /^-?\d+$/.test(text) ? Number(text) : null;
}

/** The number after `name` in a file of lines such as `MemTotal:  16384 kB`. */
export function readField(root: string, path: string, name: string): string | null {
  for (const line of (readText(root, path) ?? "").split("\n")) {
    const [key, ...rest] = line.split(/[:\s]+/);
    if (key === name) return rest.join(" ").trim();
  }
  return null;
}

/** One line of `/proc/self/mountinfo`, as far as it is of use here. */
export interface Mount {
  /** Which folder of the file system is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

export function readMounts(root: string): Mount[] {
  const lines = (readText(root, "/proc/self/mountinfo") ?? "").split("\n");
  return lines.flatMap((line): Mount[] => {
    const [left = "", right] = line.split(" - ");
    if (right === undefined) return [];
    const [, , , from = "", point = ""] = left.split(" ");
    const [type = "", , options = ""] = right.split(" ");
    return [{ root: unescape(from), point: unescape(point), type, options: options.split(",") }];
  });
}

/** Blanks and the like stand there in octal. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
}
