/** The parts of a file as the instrument's program writes it. Lines without their line breaks. */
export interface InstrumentFile {
  readonly procedure: string;
  readonly parameters: readonly (readonly [key: string, value: string])[];
  readonly metadata: readonly (readonly [key: string, value: string])[];
  readonly columns: readonly string[];
  readonly rows: readonly string[];
}

/** The header, up to and with `#Data:`. Keys of a block are indented by a tab. */
export function headerLines(file: InstrumentFile): string[] {
  const block = ([key, value]: readonly [string, string]): string => `#\t${key}: ${value}`;
  return [
    `#Procedure: <laser_setup.procedures.${file.procedure}.${file.procedure}>`,
    "#Parameters:",
    ...file.parameters.map(block),
    "#Metadata:",
    ...file.metadata.map(block),
    "#Data:",
  ];
}

export function fileText(file: InstrumentFile): string {
  return `${[...headerLines(file), file.columns.join(","), ...file.rows].join("\n")}\n`;
}

/** A number as Python prints it: `0.0`, `1e-09`. */
export function pythonNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return `${value}.0`;
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return String(value);
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const sign = exponent.startsWith("-") ? "-" : "+";
  return `${digits}e${sign}${exponent.replace(/^[+-]/, "").padStart(2, "0")}`;
}

/** A reading of an instrument with seven digits. */
export function reading(value: number): string {
  return pythonNumber(Number(value.toPrecision(7)));
}
