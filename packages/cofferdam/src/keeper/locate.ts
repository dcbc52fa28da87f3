import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { CofferdamError } from "../errors/index.ts";

/**
 * Finds the keeper's binary: the one named by `COFFERDAM_KEEPER`, the one built in the repository, or
 * the platform package's. Null where there is none. Throws `KEEPER_START` for a named one that
 * cannot be executed: who names one wants no other.
 */
export function locateKeeper(env: NodeJS.ProcessEnv = process.env): string | null {
  const named = env["COFFERDAM_KEEPER"] ?? "";
  if (named !== "") {
    if (isExecutable(named)) return named;
    throw new CofferdamError("KEEPER_START", `COFFERDAM_KEEPER names no executable file: ${named}`);
  }
  const candidates = [repositoryBuild(), platformPackage()];
  return candidates.find((path) => path !== undefined && isExecutable(path)) ?? null;
}

/** Why there is none, and how to get it. */
export function missingKeeper(): string {
  return isRepository()
    ? "the keeper is not built; install a C compiler and run `npm run build`"
    : `the package @cofferdam/keeper-linux-${process.arch} is not installed`;
}

/** The sources run as they are in the repository alone; an installed package has no such folder. */
function isRepository(): boolean {
  return import.meta.url.endsWith(".ts");
}

function repositoryBuild(): string | undefined {
  if (!isRepository()) return undefined;
  return fileURLToPath(new URL("../../../../keeper/build/cofferdam-keeper", import.meta.url));
}

function platformPackage(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    return require.resolve(`@cofferdam/keeper-linux-${process.arch}/cofferdam-keeper`);
  } catch {
    return undefined; // not installed: an optional package, for some platforms only
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
