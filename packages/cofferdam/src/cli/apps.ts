import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import type { Check } from "../doctor/index.ts";
import { CofferdamError } from "../errors/index.ts";

/** The applications that show as commands where their package is installed. */
export const apps = [
  { name: "documents", package: "@cofferdam/documents", summary: "PDFs to Markdown" },
  {
    name: "measurements",
    package: "@cofferdam/measurements",
    summary: "instrument files to Parquet to segments",
  },
] as const;

/** What an application's package exports for the command line. */
interface AppModule {
  createCommand(): Command;
  /** What `doctor` says of what the application needs. Does not reject. */
  doctorChecks?(): Promise<Check[]>;
}

/** What the installed applications say of themselves. */
export async function examineApps(): Promise<Check[]> {
  const checks: Check[] = [];
  for (const app of apps) {
    const url = findPackage(app.package);
    if (url === null) continue;
    const module = (await import(url)) as AppModule;
    checks.push(...((await module.doctorChecks?.()) ?? []));
  }
  return checks;
}

/** Loads an application's command. Rejects with `INVALID_ARGUMENT` and how to install it. */
export async function loadApp(app: (typeof apps)[number]): Promise<Command> {
  const url = findPackage(app.package);
  if (url === null)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `\`cofferdam ${app.name}\` is in a package of its own, which is not installed; install it with: npm install ${app.package}`,
    );
  const module = (await import(url)) as AppModule;
  return module.createCommand();
}

/** Looks beside this package first (also where both are installed globally), then in the project. */
function findPackage(name: string): string | null {
  try {
    return import.meta.resolve(name);
  } catch {
    // Not beside us.
  }
  try {
    const require = createRequire(join(process.cwd(), "package.json"));
    return pathToFileURL(require.resolve(name)).href;
  } catch {
    return null;
  }
}
