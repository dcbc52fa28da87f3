import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { CofferdamError } from "../../errors/index.ts";
import type { Scope } from "../../open-scope.ts";
import { parseTrack, type Pipeline, type Stage } from "../config/index.ts";
import { lookUp } from "../config/track.ts";
import { hashCode } from "./code-hash.ts";
import { hashTracked, noFile } from "./tracked-file.ts";

/** Changed when the same pipeline would give another recipe; then everything runs again, once. */
const recipeFormat = 1;

/**
 * All that shapes a stage's results besides the inputs. Kept with each result, so that a later run
 * can say which part of it is another.
 */
export interface Recipe {
  readonly format: number;
  /** The words of the command, before an item's names are put in. */
  readonly command?: readonly string[];
  /** Content of the module or Python file, and of the files beside it that it imports. */
  readonly code?: string;
  readonly function?: string;
  readonly out?: string;
  readonly gather?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** What each tool says its version is. */
  readonly tools?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Hashes of the added variables' values: a value may be a secret. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes out the recipe of a stage as it is now. `toolVersion` is asked for each tool. */
export async function recipeOf(
  stage: Stage,
  pipeline: Pipeline,
  folder: string,
  toolVersion: (command: string) => Promise<string>,
): Promise<Recipe> {
  const params: Record<string, unknown> = {};
  const tools: Record<string, string> = {};
  const files: Record<string, string> = {};
  for (const text of stage.track ?? []) {
    const { tracked } = parseTrack(text, pipeline.params ?? {});
    if (tracked?.kind === "param") params[tracked.name] = tracked.value;
    if (tracked?.kind === "tool") tools[tracked.command] = await toolVersion(tracked.command);
    if (tracked?.kind === "file")
      files[tracked.path] = await hashTracked(resolve(folder, tracked.path));
  }
  for (const name of placeholderParams(stage))
    params[name] = lookUp(pipeline.params ?? {}, name).value;
  const code = stage.module ?? stage.python;
  return {
    format: recipeFormat,
    ...(stage.run ? { command: stage.run } : {}),
    ...(code === undefined
      ? {}
      : { code: hashCode(resolve(folder, code), stage.module === undefined ? "python" : "js") }),
    ...(stage.function === undefined ? {} : { function: stage.function }),
    ...(stage.out === undefined ? {} : { out: stage.out }),
    ...(stage.gather === undefined ? {} : { gather: stage.gather }),
    ...sortedUnlessEmpty("params", params),
    ...sortedUnlessEmpty("tools", tools),
    ...sortedUnlessEmpty("files", files),
    ...sortedUnlessEmpty("env", hashValues(stage.env ?? {})),
  };
}

const noTool = "not installed";

/** What the recipe follows and is not there, perhaps for a wrong name; each in a sentence. */
export function absences({ files = {}, tools = {} }: Recipe): string[] {
  const absent = (values: Readonly<Record<string, string>>, mark: string): string[] =>
    Object.keys(values).filter((name) => values[name] === mark);
  return [
    ...absent(files, noFile).map((path) => `tracks file:${path}, and there is no such file`),
    ...absent(tools, noTool).map((tool) => `tracks tool:${tool}, which is not installed`),
  ];
}

/** The parameters that a stage's work may see: those that it tracks, and no others. */
export function trackedParams(stage: Stage, pipeline: Pipeline): Record<string, unknown> {
  const seen: Record<string, unknown> = {};
  for (const text of stage.track ?? []) {
    const { tracked } = parseTrack(text, pipeline.params ?? {});
    if (tracked?.kind !== "param") continue;
    if (tracked.name === "") Object.assign(seen, pipeline.params);
    else setByName(seen, tracked.name, tracked.value);
  }
  return seen;
}

function setByName(into: Record<string, unknown>, name: string, value: unknown): void {
  const parts = name.split(".");
  const last = parts.pop() ?? "";
  let place = into;
  for (const part of parts) place = (place[part] ??= {}) as Record<string, unknown>;
  place[last] = value;
}

function placeholderParams(stage: Stage): string[] {
  const texts = [...(stage.run ?? []), stage.out ?? "", stage.gather ?? ""];
  const found = texts.flatMap((text) =>
    Array.from(text.matchAll(/\{params\.([\w.-]+)\}/g), ([, name = ""]) => name),
  );
  return [...new Set(found)];
}

function sortedUnlessEmpty(
  name: string,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? {} : { [name]: Object.fromEntries(entries) };
}

function hashValues(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, hash("sha256", value)]),
  );
}

export function planningInterrupted(): CofferdamError {
  return new CofferdamError("CANCELLED", "planning was interrupted; nothing was changed");
}

/** What a tool says of itself: the first line of `TOOL --version`, or else its file's hash. */
export async function askVersion(
  scope: Pick<Scope, "exec">,
  command: string,
  cwd: string,
  signal?: AbortSignal,
): Promise<string> {
  const result = await scope.exec([command, "--version"], {
    ...{ cwd, timeout: "1m", reject: false },
    ...(signal ? { signal } : {}),
  });
  if (result.outcome === "cancelled") throw planningInterrupted();
  if (result.startFailure) return noTool;
  const text = `${result.stdout}\n${result.stderr}`.trim();
  if (result.outcome === "ok" && text !== "") return (text.split("\n")[0] ?? "").trim();
  const path = command.includes("/") ? resolve(cwd, command) : findOnPath(command);
  return path === null ? "unknown" : `sha256 ${await hashTracked(path)}`;
}

function findOnPath(command: string): string | null {
  const folders = (process.env["PATH"] ?? "").split(":");
  return folders.map((folder) => `${folder}/${command}`).find((path) => existsSync(path)) ?? null;
}
