import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { CofferdamError, errorCode, errorMessage } from "../../errors/index.ts";
import { ConfigError, type Locate } from "./problem.ts";
import type { Pipeline, PipelineDefinition } from "./schema.ts";

/** Looked for in this order where no file is named. */
export const defaultFiles = ["cofferdam.yaml", "cofferdam.yml", "cofferdam.ts", "cofferdam.js"];

/** A pipeline that has been checked, and where it lives. */
export interface LoadedPipeline {
  /** As it is to be called in messages. */
  readonly file: string;
  /** Everything in it is relative to this folder. Absolute. */
  readonly folder: string;
  readonly pipeline: Pipeline;
  readonly locate: Locate;
}

/** Reads and checks a pipeline's file. Rejects with `CONFIG`: file, line, column, what to do. */
export async function loadPipeline(file = findFile()): Promise<LoadedPipeline> {
  const path = resolve(file);
  const shown = relative(process.cwd(), path);
  const name = shown === "" || shown.startsWith("..") ? path : shown;
  const folder = dirname(path);
  const { value, locate } = [".yaml", ".yml"].includes(extname(path))
    ? await readYamlFile(path, name)
    : { value: await importDefinition(path, name), locate: () => null };
  return checkDefinition(value, { file: name, folder, locate });
}

/** Checks a definition that a program made; its paths are relative to `folder`. Rejects with `CONFIG`. */
export function pipelineFrom(
  definition: PipelineDefinition,
  folder = process.cwd(),
): Promise<LoadedPipeline> {
  return checkDefinition(definition, {
    ...{ file: "the pipeline", folder: resolve(folder), locate: () => null },
  });
}

async function checkDefinition(
  definition: unknown,
  { file, folder, locate }: Omit<LoadedPipeline, "pipeline">,
): Promise<LoadedPipeline> {
  // Loaded when a pipeline is: whoever only wants a scope should not wait for it.
  const { validatePipeline } = await import("./validate.ts");
  const checked = validatePipeline(definition, await readParams(folder));
  if (checked.problems) throw new ConfigError(file, checked.problems, locate);
  return { file, folder, pipeline: checked.pipeline, locate };
}

function findFile(): string {
  const found = defaultFiles.find((name) => existsSync(name));
  if (found === undefined)
    throw new CofferdamError(
      "CONFIG",
      `there is no pipeline here: none of ${defaultFiles.join(", ")}; name its file`,
    );
  return found;
}

async function readYamlFile(
  path: string,
  name: string,
): Promise<{ value: unknown; locate: Locate }> {
  const { readYaml } = await import("./read-yaml.ts");
  const { value, locate, errors } = readYaml(await readText(path, name));
  const [first] = errors;
  if (first)
    throw new CofferdamError(
      "CONFIG",
      `${name}:${first.line}:${first.column}: it is not YAML: ${first.message}`,
    );
  return { value, locate };
}

/** The named values of DVC's `params.yaml`, as they are. */
async function readParams(folder: string): Promise<Record<string, unknown>> {
  const path = join(folder, "params.yaml");
  if (!existsSync(path)) return {};
  const { value } = await readYamlFile(path, basename(path));
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw new CofferdamError("CONFIG", "params.yaml:1:1: it must be a mapping (key: value)");
  return value as Record<string, unknown>;
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const why = errorCode(error) === "ENOENT" ? "there is no such file" : errorMessage(error);
    throw new CofferdamError("CONFIG", `${name}: ${why}`, { cause: error });
  }
}

async function importDefinition(path: string, name: string): Promise<unknown> {
  if (!existsSync(path)) throw new CofferdamError("CONFIG", `${name}: there is no such file`);
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (error) {
    throw new CofferdamError("CONFIG", `${name}: it cannot be loaded: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  if (module.default === undefined)
    throw new CofferdamError(
      "CONFIG",
      `${name}: it has no default export; write: export default definePipeline({ … })`,
    );
  return module.default;
}
