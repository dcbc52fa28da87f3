import { STATIONS } from "./stations.ts";
import type { Station } from "./stations.ts";
import { METHODS } from "./methods.ts";

/** Writes the long handbook: chapters on method, then one entry for each station. */
export function writeHandbook(): string {
  const parts = [
    "# Handbook of Gauging Stations",
    "Fourth edition, for observers and visiting engineers",
    ...METHODS,
    "## 9. Register of stations",
    "The register gives one entry for each station of the network, in the order in which an observer meets them on the yearly round. Levels are in centimetres above the zero of the station's own staff, and flows are in cubic metres per second.",
    ...STATIONS.flatMap((station, index) => entry(station, index + 1)),
  ];
  return `${parts.join("\n\n")}\n`;
}

function entry(station: Station, number: number): string[] {
  const { name, river, opened, bank, built, low, mean, high, flow, flood, access, note } = station;
  const ratio = Math.round((high - low) / 10) / 10;
  return [
    `### 9.${number} ${name}`,
    `The station at ${name} stands on the ${bank} bank of the ${river} and was opened in ${opened}. It is ${built}. ${access}`,
    `The level has ranged over ${ratio.toFixed(1)} metres since the station was opened. The highest mark was left by the flood of ${flood}, and a brass bolt on the wall of the hut shows how far it reached. ${note}`,
    table([
      ["Quantity", "Low", "Mean", "High"],
      ["Level", `${low} cm`, `${mean} cm`, `${high} cm`],
      ["Flow", flow[0].toFixed(1), flow[1].toFixed(1), flow[2].toFixed(1)],
      ["Days a year", "12", "183", "3"],
    ]),
    `Observers are asked to read the staff ${number % 2 === 0 ? "at seven in the morning and at five in the afternoon" : "once a day at eight in the morning"}, to write down the state of the weather, and to report at once if:`,
    [
      `- the level passes ${Math.round(mean + 0.7 * (high - mean))} centimetres, which is the first warning mark;`,
      `- the level falls below ${Math.round(low + 4)} centimetres, for the intake may then be dry;`,
      "- the staff, the hut or the path has been damaged.",
    ].join("\n"),
  ];
}

/** A table with its columns lined up, as a formatter would leave it. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const toLine = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [
    toLine(head),
    `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
    ...body.map(toLine),
  ].join("\n");
}
