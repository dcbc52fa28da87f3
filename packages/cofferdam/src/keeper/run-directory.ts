import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/**
 * Where the runs of this user keep their ledgers and scratch folders. Kept short: Python's managers
 * put sockets below the scratch folder, and a socket's path has at most 107 bytes.
 */
export function runsDirectory(): string {
  return join(tmpdir(), `cofferdam-${userInfo().uid}`);
}
