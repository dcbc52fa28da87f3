import { createHash } from "node:crypto";
import { numberOf, parseBoolean, textOf } from "../format/cast.ts";
import { nameColumns } from "../format/columns.ts";
import { parseHeader, type Header } from "../format/header.ts";
import { resolveStart, type LocalZone, type Start } from "../format/start-time.ts";
import { parseTable, type NumberColumn, type Table } from "../format/table.ts";
import { constant, type Column, type ConstantColumn, type FileColumn } from "../parquet/columns.ts";
import {
  undeclared,
  type DeclaredTypes,
  type Procedure,
  type Procedures,
} from "../procedures/procedures.ts";
import { Rejection } from "./rejection.ts";

/** A file of the instrument, understood. */
export interface Measurement {
  readonly procedure: string;
  readonly runId: string;
  readonly start: Start;
  readonly rows: number;
  /** The table's columns, then those that the header gives, in the order of the Parquet file. */
  readonly columns: readonly FileColumn[];
  /** Cells that hold something that is no number where one is declared. Null in the columns. */
  readonly notNumbers: number;
}

export interface ReadOptions {
  readonly procedures: Procedures;
  readonly zone: LocalZone;
  readonly onlyYamlData: boolean;
  /** The file's time of modification, in milliseconds since the epoch. */
  readonly modifiedMs: number;
}

/** Reads the bytes of a file of the instrument. Throws a `Rejection` for what cannot be staged. */
export function readMeasurement(bytes: Buffer, path: string, options: ReadOptions): Measurement {
  if (bytes.length === 0) throw new Rejection("EMPTY_FILE", "the file is empty");
  const header = parseHeader(bytes);
  if (header.procedure === null) throw noProcedure(bytes);
  if (!canNameFolder(header.procedure))
    throw new Rejection(
      "NO_PROCEDURE",
      `its procedure ${JSON.stringify(header.procedure.slice(0, 80))} cannot name a folder`,
    );
  const declared = declaredAs(options.procedures, header.procedure);
  const start = resolveStart(
    header.metadata.get("Start time"),
    path,
    options.modifiedMs,
    options.zone,
  );
  const table = parseTable(bytes, header.tableStart);
  if (table === null)
    throw new Rejection("NO_DATA", "there is no table after its header; was the file cut off?");
  if (table.rows === 0)
    throw new Rejection("NO_ROWS", "its table has names of columns and no rows");
  const measured = measuredColumns(table, declared.data, options.onlyYamlData);
  const runId = runIdOf(path, start);
  return {
    procedure: header.procedure,
    runId,
    start,
    rows: table.rows,
    columns: [
      ...measured.columns,
      ...headerColumns(header, header.procedure, declared, path, runId, start),
    ],
    notNumbers: measured.notNumbers,
  };
}

/** The first 16 hexadecimal digits of the SHA-1 of `path|seconds`, seconds as Python prints them. */
export function runIdOf(path: string, { micros }: Start): string {
  const seconds = micros / 1e6;
  const printed = Number.isInteger(seconds) ? `${seconds}.0` : String(seconds);
  return createHash("sha1").update(`${path}|${printed}`).digest("hex").slice(0, 16);
}

function measuredColumns(
  table: Table,
  declared: DeclaredTypes,
  onlyDeclared: boolean,
): { columns: Column[]; notNumbers: number } {
  const names = nameColumns(
    table.columns.map(({ name }) => name),
    declared,
  );
  const columns: Column[] = [];
  let notNumbers = 0;
  for (const [index, column] of table.columns.entries()) {
    const name = names[index] ?? column.name;
    const type = declared[name];
    if (onlyDeclared && type === undefined) continue;
    if (headerColumnNames.includes(name)) continue; // the header's is what the run is known by
    const isText =
      type === "str" || type === "datetime" || (type === undefined && column.notNumbers > 0);
    if (isText) columns.push({ name, kind: "string", values: table.texts(index) });
    else if (type === "bool") columns.push(booleanColumn(name, table.texts(index)));
    else {
      columns.push(numberColumn(name, column, type === "int"));
      notNumbers += column.notNumbers;
    }
  }
  if (columns.length === 0)
    throw new Rejection(
      "NO_COLUMNS",
      `none of its columns (${names.join(", ")}) is declared, and only declared ones were asked for`,
    );
  return { columns, notNumbers };
}

function booleanColumn(name: string, texts: readonly (string | null)[]): Column {
  const values = texts.map((text) => (text === null ? null : parseBoolean(text)));
  return { name, kind: "boolean", values };
}

function numberColumn(name: string, column: NumberColumn, isInteger: boolean): Column {
  if (isInteger) {
    const toInteger = (value: number): bigint | null =>
      Number.isFinite(value) ? BigInt(Math.trunc(value)) : null;
    return { name, kind: "int64", values: Array.from(column.values, toInteger) };
  }
  if (column.missing.length === 0) return { name, kind: "float64", values: column.values };
  const values: (number | null)[] = Array.from(column.values);
  for (const row of column.missing) values[row] = null;
  return { name, kind: "float64", values };
}

/** The columns that come from a file's header, not from its table. */
export const headerColumnNames: readonly string[] = [
  "run_id",
  "proc",
  "start_dt",
  "source_file",
  "with_light",
  "wavelength_nm",
  "laser_voltage_V",
  "chip_group",
  "chip_number",
  "sample",
  "procedure_version",
];

function headerColumns(
  { parameters }: Header,
  name: string,
  declared: Procedure,
  path: string,
  runId: string,
  start: Start,
): ConstantColumn[] {
  const types = declared.parameters;
  const number = (key: string): number | null => numberOf(parameters.get(key), types[key]);
  const text = (key: string): string | null => textOf(parameters.get(key), types[key]);
  const wavelength = number("Laser wavelength");
  const volts = number("Laser voltage");
  const withLight = wavelength !== null && volts !== null && volts !== 0;
  return [
    constant("run_id", "string", runId),
    constant("proc", "string", name),
    constant("start_dt", "timestamp", BigInt(start.micros)),
    constant("source_file", "string", path),
    constant("with_light", "boolean", withLight),
    constant("wavelength_nm", "float64", wavelength),
    constant("laser_voltage_V", "float64", volts),
    constant("chip_group", "string", text("Chip group name")),
    constant("chip_number", "string", text("Chip number")),
    constant("sample", "string", text("Sample")),
    constant("procedure_version", "string", text("Procedure version")),
  ];
}

/** A file may call its procedure anything, `constructor` too. */
function declaredAs(procedures: Procedures, name: string): Procedure {
  return (Object.hasOwn(procedures, name) ? procedures[name] : null) ?? undeclared;
}

/** Partitions are named after procedures, and read back by their names. */
function canNameFolder(name: string): boolean {
  // eslint-disable-next-line no-control-regex -- they are what it looks for
  return !/[/\u0000-\u001f\u007f]/.test(name) && name !== "" && Buffer.byteLength(name) <= 200;
}

function noProcedure(bytes: Buffer): Rejection {
  const isUtf16 =
    bytes.length > 3 && (bytes[1] === 0 || bytes[0] === 0 || bytes.readUInt16LE(0) === 0xfeff);
  const why = "it has no line `#Procedure: <…>`";
  return new Rejection(
    "NO_PROCEDURE",
    isUtf16 ? `${why}; it seems to be UTF-16: save it as UTF-8` : why,
  );
}
