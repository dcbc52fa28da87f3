import { fstatSync, writeSync } from "node:fs";
import { CofferdamError, errorCode, errorMessage } from "../errors/index.ts";
import { exitCodes } from "./exit-codes.ts";

/** Errors that a write has told of: who listens to the stream needs not. */
const told = new WeakSet<object>();
let toFile: boolean | undefined;
let readerGone = false;

/**
 * Writes to standard output. All of it is with the system when this has returned or resolved. Throws
 * or rejects with `OUTPUT` when it cannot be written; a reader that has gone (`| head`) is no error.
 */
export function writeOutput(bytes: Buffer): Promise<void> | void {
  // Node's stream for a file takes a write that was cut short, as on a full disk, for a whole one.
  if (!(toFile ??= fstatSync(1).isFile())) return writeToStream(bytes);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
  } catch (error) {
    throw unwritable(error);
  }
}

function writeToStream(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (error) told.add(error);
      // What was queued behind the write that failed fails with another code.
      readerGone ||= errorCode(error) === "EPIPE";
      if (error && !readerGone) reject(unwritable(error));
      else resolve();
    });
  });
}

/** The same for standard error, where a failure can be told to nobody. */
export function writeError(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => process.stderr.write(bytes, () => resolve()));
}

/**
 * A reader that has seen enough is no error, and must not end a run halfway. Nor must a full disk
 * below standard error.
 */
export function surviveClosedPipes(): void {
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: Error) => {
    if (errorCode(error) === "EPIPE" || told.has(error)) return;
    process.stderr.write(`cofferdam: standard output cannot be written: ${errorMessage(error)}\n`);
    process.exit(exitCodes.usage);
  });
}

function unwritable(error: unknown): CofferdamError {
  return new CofferdamError(
    "OUTPUT",
    `standard output cannot be written: ${errorMessage(error)}; nothing more was started`,
    { cause: error },
  );
}
