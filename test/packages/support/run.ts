import { execFile } from "node:child_process";

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The environment of a user's shell: without what `npm test` of this repository adds for its own
 * scripts, above all the condition that selects the sources.
 */
export const userEnvironment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(NODE_OPTIONS|NODE_ENV|INIT_CWD|VITEST.*)$/.test(name) &&
      !/^npm_(package|lifecycle)_|^npm_config_(node_options|local_prefix|ignore_scripts|workspace)/.test(
        name,
      ),
  ),
);

/** Runs a program to its end, whatever its exit code. Rejects where it cannot be started. */
export function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  const { cwd, env } = options;
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { cwd, env: { ...userEnvironment, ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== "number")
          reject(new Error(`${file}: ${error.message}`, { cause: error }));
        else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      },
    );
  });
}

/** As `run`, for a step that everything after it needs. */
export async function runOrFail(
  file: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, options);
  if (code !== 0) throw new Error(`${file} ${args.join(" ")}: code ${code}\n${stdout}${stderr}`);
  return stdout;
}
