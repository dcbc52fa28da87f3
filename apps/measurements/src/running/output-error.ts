import { accessSync, constants, existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CofferdamError, errorMessage } from "cofferdam";

/** What cannot be written ends the run: what happened, what stands, and what to do. */
export function outputError(path: string, cause: unknown): CofferdamError {
  return new CofferdamError(
    "OUTPUT",
    `${path} could not be written or removed (${errorMessage(cause)}), so the run was ended; what it has recorded is done, and the same command does the rest: see first whether the disk is full or read-only, or the folder another user's`,
    { cause },
  );
}

/**
 * Why a folder cannot be made: Node tells of a read-only file system that a folder was not found
 * (https://github.com/nodejs/node/issues/47098), so the next one above that is there is asked.
 */
export function whyNoFolder(folder: string, error: unknown): string {
  let above = resolve(folder);
  while (!existsSync(above) && above !== dirname(above)) above = dirname(above);
  try {
    accessSync(above, constants.W_OK);
    return errorMessage(error);
  } catch (refused) {
    return errorMessage(refused);
  }
}
