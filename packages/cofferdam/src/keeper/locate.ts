import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/**
 * Finds the keeper's binary: the one named by `COFFERDAM_KEEPER`, the platform package's, or the
 * one built in the repository. Null where there is none.
 */
export function locateKeeper(env: NodeJS.ProcessEnv = process.env): string | null {
  const candidates = [
    env["COFFERDAM_KEEPER"],
    platformPackage(),
    fileURLToPath(new URL("../../../../keeper/build/cofferdam-keeper", import.meta.url)),
  ];
  return candidates.find((path) => path !== undefined && isExecutable(path)) ?? null;
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
