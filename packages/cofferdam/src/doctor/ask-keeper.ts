import { execFile } from "node:child_process";
import { CofferdamError } from "../errors/index.ts";

/** What the keeper has printed: its exit code, and each line cut into its columns. */
export interface KeeperAnswer {
  readonly code: number;
  readonly lines: readonly (readonly string[])[];
}

/**
 * Runs the keeper for one question (`--probe`, `--sweep`) instead of for tasks. Rejects with
 * `KEEPER_START` when it cannot be run, is killed, or does not know the question.
 */
export function askKeeper(
  binary: string,
  args: readonly string[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<KeeperAnswer> {
  return new Promise((resolve, reject) => {
    // As when it serves tasks: from nowhere in particular, and with nothing but its own variables.
    const settings = { env: ownVariables(), cwd: "/", ...options };
    execFile(binary, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      // 1 is an answer too: something could not be removed.
      if (code === 0 || code === 1) {
        const lines = stdout.split("\n").filter((line) => line !== "");
        resolve({ code, lines: lines.map((line) => line.split("\t")) });
        return;
      }
      const why = stderr.trim() || (error?.signal ? `ended by ${error.signal}` : error?.message);
      const message = `${binary} ${args[0] ?? ""}: ${why ?? "no answer"}`;
      reject(new CofferdamError("KEEPER_START", message, { cause: error }));
    });
  });
}

function ownVariables(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => name.startsWith("COFFERDAM_")));
}
