import { existsSync } from "node:fs";
import { join } from "node:path";
import { CofferdamError, errorMessage } from "cofferdam";
import type { DuckDBConnection, Json } from "@duckdb/node-api";
import { segmentsRootOf } from "../segments/preprocess.ts";
import { manifestFolder } from "../stage/events.ts";

export interface TablesOptions {
  readonly stageRoot: string;
  readonly outputRoot: string;
  readonly procedure: string;
}

/** The results of both stages as tables of DuckDB. */
export interface Tables extends Disposable {
  /** The rows of one statement, as they come. Rejects with `INVALID_ARGUMENT` for wrong SQL. */
  query(sql: string): AsyncIterable<Record<string, Json>>;
}

/**
 * Opens the tables `staged`, `segments`, `manifest` and `segment_manifest`, those of which there is
 * something. Rejects with `INVALID_ARGUMENT` where DuckDB is not installed.
 */
export async function openTables(options: TablesOptions): Promise<Tables> {
  const { DuckDBInstance } = await importDuckDb();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const missing: string[] = [];
  for (const [name, source] of Object.entries(sources(options)))
    if (source === null) missing.push(name);
    else await connection.run(`create view ${name} as select * from ${source}`);
  const { stageRoot, outputRoot } = options;
  const hint =
    missing.length === 0
      ? ""
      : `; there is nothing yet for ${missing.join(", ")} in ${stageRoot} and ${outputRoot}: run \`cofferdam measurements pipeline\` first, or name other folders with --stage-root and --output-root`;
  return {
    query: (sql) => readRows(connection, sql, hint),
    [Symbol.dispose]: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function importDuckDb(): Promise<typeof import("@duckdb/node-api")> {
  try {
    return await import("@duckdb/node-api");
  } catch (error) {
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      "`query` needs DuckDB, which is not installed; install it with: npm install @duckdb/node-api",
      { cause: error },
    );
  }
}

function sources({
  stageRoot,
  outputRoot,
  procedure,
}: TablesOptions): Record<string, string | null> {
  const segmentsRoot = segmentsRootOf(outputRoot, procedure);
  const files = (pattern: string): string =>
    `read_parquet(${quote(pattern)}, union_by_name = true, hive_partitioning = false)`;
  const manifest = (root: string): string | null => {
    const path = join(root, manifestFolder, "manifest.parquet");
    return existsSync(path) ? files(path) : null;
  };
  return {
    staged: manifest(stageRoot) && files(join(stageRoot, "proc=*/date=*/run_id=*/*.parquet")),
    segments:
      manifest(segmentsRoot) &&
      files(join(segmentsRoot, "proc=*/date=*/run_id=*/segment=*/*.parquet")),
    manifest: manifest(stageRoot),
    segment_manifest: manifest(segmentsRoot),
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function* readRows(
  connection: DuckDBConnection,
  sql: string,
  hint: string,
): AsyncGenerator<Record<string, Json>> {
  try {
    const result = await connection.stream(sql);
    for await (const rows of result.yieldRowObjectJson()) yield* rows;
  } catch (error) {
    // After an empty line it shows the query, with a mark that needs lines of its own.
    const [what = ""] = errorMessage(error).split("\n\n");
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `DuckDB refused the query: ${what.replaceAll("\n", " ")}${hint}`,
    );
  }
}
