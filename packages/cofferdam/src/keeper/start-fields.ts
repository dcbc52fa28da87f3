import type { ProcessSpec, StdioMode } from "./backend.ts";
import { tag, type FieldValue } from "./wire.ts";

const stdioCodes: Record<StdioMode, number> = { null: 0, pipe: 1, inherit: 2 };

/** A process specification as the fields of a START frame. */
export function startFields(
  spec: ProcessSpec,
  scratch: string,
  channel: { path: string; token: Uint8Array } | undefined,
): (readonly [number, FieldValue])[] {
  const fields: (readonly [number, FieldValue])[] = [
    ...spec.command.map((word) => [tag.argument, word] as const),
    ...Object.entries(withScratch(spec.env, scratch)).map(
      ([name, value]) => [tag.environment, `${name}=${value}`] as const,
    ),
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
  if (spec.cgroup) fields.push([tag.cgroup, ""]);
  if (spec.pids !== undefined) fields.push([tag.pids, spec.pids]);
  if (channel) fields.push([tag.socket, channel.path], [tag.token, channel.token], [tag.bulk, ""]);
  return fields;
}

/** Programs put their temporary files where these say; what is set already is left alone. */
export function withScratch(
  env: Readonly<Record<string, string>>,
  scratch: string,
): Record<string, string> {
  return { TMPDIR: scratch, TMP: scratch, TEMP: scratch, ...env };
}
