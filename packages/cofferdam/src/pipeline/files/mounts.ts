import { closeSync, cpSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { errorCode } from "../../errors/index.ts";

/**
 * Whether a file in one folder can be renamed into the other. The same device is not enough: the
 * kernel refuses it between two mounts of one file system, as containers have them.
 */
export function isSameMount(one: string, other: string): boolean {
  if (statSync(one).dev !== statSync(other).dev) return false;
  return mountOf(one) === mountOf(other);
}

/** The mount's number; null where the system does not tell it. */
function mountOf(folder: string): string | null {
  const descriptor = openSync(folder, "r");
  try {
    const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
    return /^mnt_id:\s*(\d+)$/m.exec(text)?.[1] ?? null;
  } catch {
    return null; // no /proc, or one without it
  } finally {
    closeSync(descriptor);
  }
}

/** Moves a folder; copies it where it cannot be renamed to there, and leaves the old one. */
export function moveTree(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errorCode(error) !== "EXDEV") throw error;
    cpSync(from, to, { recursive: true });
  }
}
