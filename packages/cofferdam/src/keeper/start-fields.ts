import { CofferdamError } from "../errors/index.ts";
import type { ProcessSpec, StdioMode } from "./backend.ts";
import { makeFlags } from "./make-flags.ts";
import { tag, type Field } from "./wire.ts";

const stdioCodes: Record<StdioMode, number> = { null: 0, pipe: 1, inherit: 2 };

const scratchVariables = ["TMPDIR", "TMP", "TEMP"];

/** A process specification as the fields of a START frame. */
export function startFields(
  spec: ProcessSpec,
  scratch: string,
  channel: readonly Field[] | undefined,
): Field[] {
  const made = withJobserver(spec, scratch);
  const fields: Field[] = [
    ...spec.command.map((word) => [tag.argument, word] as const),
    [tag.environment, environmentBlock(made.env, scratch)],
    [tag.cwd, spec.cwd],
    [tag.stdio, Uint8Array.from(spec.stdio, (mode) => stdioCodes[mode])],
    [tag.grace, spec.graceMs],
    [tag.scratch, ""],
  ];
  if (spec.timeoutMs !== undefined) fields.push([tag.timeout, spec.timeoutMs]);
  if (spec.memoryBytes !== undefined) fields.push([tag.memory, spec.memoryBytes]);
  if (spec.processesMax !== undefined) fields.push([tag.processesMax, spec.processesMax]);
  if (spec.cpus !== undefined) fields.push([tag.cpus, spec.cpus]);
  if (spec.openFiles !== undefined) fields.push([tag.openFiles, spec.openFiles]);
  if (spec.coreBytes !== undefined) fields.push([tag.core, spec.coreBytes]);
  if (spec.noNetwork) fields.push([tag.noNetwork, ""]);
  if (spec.ipc === "host") fields.push([tag.hostIpc, ""]);
  else if (spec.ipc === "hold") fields.push([tag.hold, ""]);
  else if (spec.ipc !== undefined) fields.push([tag.join, spec.ipc.join]);
  if (spec.cgroup) fields.push([tag.cgroup, ""]);
  if (spec.pids !== undefined) fields.push([tag.pids, spec.pids]);
  if (spec.jobs !== undefined) fields.push([tag.jobserver, spec.jobs]);
  if (made.old !== undefined) fields.push([tag.oldMakeFlags, `MAKEFLAGS=${made.old}`]);
  if (channel) fields.push(...channel, [tag.bulk, ""]);
  if (spec.channel === "nonblocking") fields.push([tag.nonblocking, ""]);
  return fields;
}

/** All in one piece: an environment is dozens of variables, and each start has one. */
function environmentBlock(env: Readonly<Record<string, string>>, scratch: string): string {
  const lines: string[] = [];
  for (const name of scratchVariables)
    if (env[name] === undefined) lines.push(`${name}=${scratch}`);
  for (const name of Object.keys(env)) {
    const line = `${name}=${env[name]}`;
    // What follows would be a variable of its own.
    if (line.includes("\0"))
      throw new CofferdamError(
        "INVALID_ARGUMENT",
        `the environment variable ${JSON.stringify(name)} has a NUL character in it, which no program can be given; nothing was started`,
      );
    lines.push(line);
  }
  return lines.join("\0");
}

/** Programs put their temporary files where these say; what is set already is left alone. */
export function withScratch(
  env: Readonly<Record<string, string>>,
  scratch: string,
): Record<string, string> {
  return { ...Object.fromEntries(scratchVariables.map((name) => [name, scratch])), ...env };
}

/** The jobserver lies in the scratch folder, where the keeper makes it. */
function withJobserver(
  { env, jobs }: ProcessSpec,
  scratch: string,
): { readonly env: Readonly<Record<string, string>>; readonly old?: string | undefined } {
  if (jobs === undefined) return { env };
  const { flags, old } = makeFlags(env["MAKEFLAGS"] ?? "", jobs, `${scratch}/.jobserver`);
  return { env: { ...env, MAKEFLAGS: flags }, old };
}
