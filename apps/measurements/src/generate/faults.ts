import { fileText, headerLines, type InstrumentFile } from "./instrument-file.ts";
import type { Random } from "./random.ts";

/** What can be wrong with a generated file, and how many of a hundred faulty ones have it. */
export const faultWeights = {
  // Refused by the first stage.
  empty: 8,
  "truncated-header": 8,
  "wrong-encoding": 9,
  "header-only": 9,
  // Staged, with something odd that must be borne.
  "truncated-data": 14,
  "latin-1": 12,
  "no-start-time": 12,
  // Sweeps only: what the second stage has to bear, or to refuse.
  "nan-rows": 10,
  "missing-column": 9,
  "small-sweep": 9,
} as const;

export type Fault = keyof typeof faultWeights;

export const faults = Object.keys(faultWeights) as Fault[];

/** Codes of the files that the first stage refuses. */
export const rejections = {
  empty: "EMPTY_FILE",
  "truncated-header": "NO_DATA",
  "wrong-encoding": "NO_PROCEDURE",
  "header-only": "NO_ROWS",
} as const satisfies Partial<Record<Fault, string>>;

export const isRejected = (fault: Fault): fault is keyof typeof rejections => fault in rejections;

/** Faults that only a sweep can have. */
export const sweepFaults: readonly Fault[] = ["nan-rows", "missing-column", "small-sweep"];

/** A file's bytes, and how many rows a reader must find in its table. */
export interface FaultyBytes {
  readonly bytes: Buffer;
  readonly rows: number;
}

/** Writes a file with a fault. `small-sweep` is not one of its form: it is measured so. */
export function applyFault(file: InstrumentFile, fault: Fault, random: Random): FaultyBytes {
  const rows = file.rows.length;
  switch (fault) {
    case "empty":
      return { bytes: Buffer.alloc(0), rows: 0 };
    case "truncated-header": {
      const lines = headerLines(file).slice(0, random.integer(3, file.parameters.length));
      return { bytes: Buffer.from(lines.join("\n")), rows: 0 };
    }
    case "wrong-encoding":
      return { bytes: Buffer.from(`\uFEFF${fileText(file)}`, "utf16le"), rows: 0 };
    case "header-only":
      return { bytes: Buffer.from(fileText({ ...file, rows: [] })), rows: 0 };
    case "truncated-data":
      return truncateData(file, random);
    case "latin-1":
      return { bytes: Buffer.from(fileText(withInformation(file)), "latin1"), rows };
    case "no-start-time": {
      const metadata = file.metadata.filter(([key]) => key !== "Start time");
      return { bytes: Buffer.from(fileText({ ...file, metadata })), rows };
    }
    case "nan-rows":
      return { bytes: Buffer.from(fileText(withNanRows(file, random))), rows };
    case "missing-column":
      return { bytes: Buffer.from(fileText(withoutFirstColumn(file))), rows };
    case "small-sweep":
      return { bytes: Buffer.from(fileText(file)), rows };
  }
}

/** Cut in the second value of a row in the last half: after its comma, or within its exponent. */
function truncateData(file: InstrumentFile, random: Random): FaultyBytes {
  const kept = file.rows.length - random.integer(2, file.rows.length >> 1);
  const [first = ""] = (file.rows[kept] ?? "").split(",");
  const stump = `${first},${random.next() < 0.5 ? "" : "-1.204e-"}`;
  const rows = [...file.rows.slice(0, kept), stump];
  const text = fileText({ ...file, rows });
  return { bytes: Buffer.from(text.slice(0, -1)), rows: rows.length };
}

function withInformation(file: InstrumentFile): InstrumentFile {
  return { ...file, parameters: [...file.parameters, ["Comment", "50 µA, 22 °C, señal débil"]] };
}

/** Not-a-number in the middle of each way, where no segment begins or ends. */
function withNanRows(file: InstrumentFile, random: Random): InstrumentFile {
  const quarter = Math.floor(file.rows.length / 4);
  const rows = [...file.rows];
  for (let way = 0; way < 4; way++) {
    const at = way * quarter + Math.floor(quarter / 2) + random.integer(-3, 3);
    rows[at] = (rows[at] ?? "").replace(/^[^,]*,[^,]*/, "nan,nan");
  }
  return { ...file, rows };
}

function withoutFirstColumn(file: InstrumentFile): InstrumentFile {
  return {
    ...file,
    columns: file.columns.slice(1),
    rows: file.rows.map((row) => row.slice(row.indexOf(",") + 1)),
  };
}
