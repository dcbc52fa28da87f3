import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Column } from "../../src/parquet/columns.ts";
import { readParquet } from "../../src/parquet/read-parquet.ts";

/** A Parquet file's names, kinds and values, as JSON can say them. */
export async function describeParquet(path: string): Promise<Record<string, unknown>> {
  const columns = await readParquet(readFileSync(path));
  return Object.fromEntries(
    columns.map(({ name, kind, values }) => [`${name}: ${kind}`, plainValues(values)]),
  );
}

function plainValues(values: Column["values"]): unknown {
  const plain = Array.from(values, (value) =>
    typeof value === "bigint" ? String(value) : Number.isNaN(value) ? "NaN" : value,
  );
  const [first] = plain;
  const isSame = plain.length > 3 && plain.every((value) => value === first);
  return isSame ? `${plain.length} × ${String(first)}` : plain;
}

/**
 * All that a stage wrote into a folder: the bytes of data files by their hash, events and records
 * without their times, and the rows of the manifest without theirs. The state is left out.
 */
export async function describeResults(root: string): Promise<Record<string, unknown>> {
  const described: Record<string, unknown> = {};
  for (const file of globSync("**/*", { cwd: root, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    const name = path.slice(root.length + 1);
    if (/(^|\/)_manifest\/(state\.db|unfinished)/.test(name)) continue;
    if (name.endsWith("manifest.parquet")) described[name] = await manifestRows(path);
    else if (name.endsWith(".json"))
      described[name] = readFileSync(path, "utf8").replace(/("ts": ?)"[^"]*"/, "$1…");
    else described[name] = createHash("sha256").update(readFileSync(path)).digest("hex");
  }
  return described;
}

async function manifestRows(path: string): Promise<string[]> {
  const columns = (await readParquet(readFileSync(path))).filter(({ name }) => name !== "ts");
  const rows = columns[0]?.values.length ?? 0;
  return Array.from({ length: rows }, (_, row) =>
    columns.map(({ values }) => String(values[row])).join("|"),
  ).sort();
}

export function has(root: string, ...names: string[]): boolean {
  return existsSync(join(root, ...names));
}
