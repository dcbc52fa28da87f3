import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CofferdamError, errorCode, errorMessage } from "cofferdam";
import { manifestFolder } from "./events.ts";

const isOurs = (name: string): boolean => name === manifestFolder || name.startsWith("proc=");

/** Rejects with `INVALID_ARGUMENT` for a folder to write to that holds something else. */
export function checkOwnFolder(folder: string, what: string): void {
  const foreign = entries(folder, what).find((name) => !isOurs(name));
  if (foreign === undefined) return;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `the ${what} ${folder} holds something else (${foreign}); nothing was written: give it a folder of its own`,
  );
}

/**
 * The folder in which the staged procedures lie: the stage root, or `raw_measurements` in it.
 * Rejects with `INVALID_ARGUMENT` where there are none.
 */
export function findStage(stageRoot: string): string {
  const isStage = (folder: string): boolean =>
    entries(folder, "stage root").some((name) => name.startsWith("proc="));
  if (!existsSync(stageRoot))
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the stage root ${stageRoot}: there is no such folder`,
    );
  if (isStage(stageRoot)) return stageRoot;
  const inner = join(stageRoot, "raw_measurements");
  if (existsSync(inner) && isStage(inner)) return inner;
  const [first] = entries(stageRoot, "stage root").filter((name) => !isOurs(name));
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    first === undefined
      ? `the stage root ${stageRoot} is empty; run \`cofferdam measurements stage\` first`
      : `the stage root ${stageRoot} holds something else (${first}) and no proc=…; give the folder that \`cofferdam measurements stage\` wrote`,
  );
}

function entries(folder: string, what: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    const why = errorCode(error) === "ENOTDIR" ? "it is not a folder" : errorMessage(error);
    throw new CofferdamError("INVALID_ARGUMENT", `the ${what} ${folder}: ${why}`);
  }
}
