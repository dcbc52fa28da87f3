import { homedir } from "node:os";
import { join } from "node:path";
import { CofferdamError } from "../errors/index.ts";

/**
 * Where something is kept for this user: in the folder that `variable` names, else below the home
 * folder. Throws `INVALID_ARGUMENT` for a user who has neither.
 */
export function userDirectory(variable: string, ...belowHome: readonly string[]): string {
  const named = process.env[variable] ?? "";
  return join(named === "" ? join(homeFor(variable), ...belowHome) : named, "cofferdam");
}

function homeFor(variable: string): string {
  try {
    return homedir();
  } catch (cause) {
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `this user (${process.geteuid?.() ?? "unknown"}) has no home folder; set ${variable}, or HOME`,
      { cause },
    );
  }
}
