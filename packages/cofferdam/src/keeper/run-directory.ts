import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";

/**
 * Where the runs of this user keep their ledgers and scratch folders. Kept short: Python's managers
 * put sockets below the scratch folder, and a socket's path has at most 107 bytes.
 */
export function runsDirectory(): string {
  // Not `userInfo`, which throws for a user whom /etc/passwd does not name, as in many a container.
  return resolve(tmpdir(), `cofferdam-${process.geteuid?.() ?? ""}`);
}

/** The folders of runs without a keeper, and hidden ones that are being made. */
export function groupRunNames(base: string): string[] {
  return readdirSync(base).filter((name) => /^\.?g[0-9a-f]{8}$/.test(name));
}
