import { hash } from "node:crypto";
import { readdirSync, readlinkSync, statSync, type Dirent } from "node:fs";
import { resolve } from "node:path";
import { CofferdamError, errorCode, errorMessage } from "../../errors/index.ts";
import { ConfigError, outputFolderOf, type LoadedPipeline } from "../config/index.ts";
import { parseTrack } from "../config/track.ts";
import { hashFile } from "../files/hash-file.ts";

/** In a recipe, in place of a hash. */
export const noFile = "missing";

/** What running leaves in folders of code: no part of what is tracked. */
const leftByRuns = ["__pycache__", ".cofferdam"];

/**
 * Throws `CONFIG` for a tracked folder into which the pipeline writes: each run would change it, and
 * make the next one do everything again.
 */
export function refuseTrackedOutputs({ pipeline, folder, file, locate }: LoadedPipeline): void {
  const outputs = Object.entries(pipeline.stages).flatMap(([name, { out }]) =>
    out === undefined ? [] : [{ name, path: outputFolderOf(out, pipeline.params ?? {}) }],
  );
  for (const [stage, { track = [] }] of Object.entries(pipeline.stages))
    for (const [index, text] of track.entries()) {
      const { tracked } = parseTrack(text, pipeline.params ?? {});
      if (tracked?.kind !== "file" || !isFolder(resolve(folder, tracked.path))) continue;
      const inside = outputs.find(({ path }) =>
        isInside(resolve(folder, path), resolve(folder, tracked.path)),
      );
      if (!inside) continue;
      const path = ["stages", stage, "track", index];
      const message = `has ${JSON.stringify(text)}, into which the stage ${inside.name} writes (${inside.path}): each run would change it, and the next do everything again; track the folders or files that are not made here`;
      throw new ConfigError(file, [{ path, message }], locate);
    }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isInside(path: string, folder: string): boolean {
  return `${path}/`.startsWith(folder === "/" ? folder : `${folder}/`);
}

/**
 * Of the content of `file:PATH`: of a file, or of all files below a folder with their paths, hidden
 * ones too. `noFile` where there is nothing. Throws `INPUT` for what cannot be read.
 */
export async function hashTracked(path: string): Promise<string> {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return noFile;
    if (status.isDirectory()) return await hashFolder(Buffer.from(path));
    if (status.isFile()) return await hashFile(path);
  } catch (error) {
    throw unreadable(path, errorCode(error) ?? errorMessage(error), error);
  }
  throw unreadable(path, "it is neither a file nor a folder");
}

function unreadable(path: string, why: string, cause?: unknown): CofferdamError {
  return new CofferdamError(
    "INPUT",
    `${path} is tracked and cannot be read (${why}); nothing was run: make it readable, or take it out of \`track\``,
    { cause },
  );
}

/** Names are bytes: they need not be text. */
async function hashFolder(folder: Buffer): Promise<string> {
  const entries = readdirSync(folder, { withFileTypes: true, encoding: "buffer" }).filter(
    ({ name }) => !leftByRuns.includes(name.toString("latin1")),
  );
  entries.sort((a, b) => a.name.compare(b.name));
  const told: string[] = [];
  for (const entry of entries) {
    const path = Buffer.concat([folder, Buffer.from("/"), entry.name]);
    told.push(`${entry.name.toString("hex")} ${await hashEntry(entry, path)}`);
  }
  return hash("sha256", told.join("\n"));
}

async function hashEntry(entry: Dirent<Buffer>, path: Buffer): Promise<string> {
  if (entry.isDirectory()) return `folder ${await hashFolder(path)}`;
  if (entry.isFile()) return `file ${await hashFile(path)}`;
  if (!entry.isSymbolicLink()) return "neither";
  // A link to a file counts as the file; a folder's own links may lead back up.
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  return isFile ? `file ${await hashFile(path)}` : `link ${readlinkSync(path, "hex")}`;
}
