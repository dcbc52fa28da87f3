import { Command } from "commander";
import { openTables } from "../query/tables.ts";
import { addOutputRoot, addStageRoot, settingsGiven, type Flags } from "./options.ts";
import { resolveSettings } from "./settings.ts";

export function queryCommand(): Command {
  const command = new Command("query")
    .summary("SQL over the results, by DuckDB")
    .description(
      "Runs one SQL statement and prints its rows, one JSON object a line. Its tables: staged,\n" +
        "segments, manifest and segment_manifest. Needs the package @duckdb/node-api.",
    )
    .argument("<sql>", "for example: select proc, count(*) n from staged group by all");
  return addOutputRoot(addStageRoot(command)).action(async (sql: string, flags: Flags) => {
    const settings = resolveSettings(settingsGiven(flags));
    using tables = await openTables({
      stageRoot: settings.stage_root,
      outputRoot: settings.output_root,
      procedure: settings.procedure,
    });
    for await (const row of tables.query(sql)) process.stdout.write(`${JSON.stringify(row)}\n`);
  });
}
