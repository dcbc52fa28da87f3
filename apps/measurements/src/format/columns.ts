import type { DeclaredTypes } from "../procedures/procedures.ts";

/** Other spellings of a declared column, in their plain form. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  "I (A)": ["i", "ia", "id", "ida", "ids", "idsa", "current", "currenta"],
  "Vsd (V)": ["vsd", "vsdv", "vd", "vdv", "vds", "vdsv"],
  "Vg (V)": ["vg", "vgv", "gatev", "gatevv"],
  "VL (V)": ["vl", "vlv"],
  "t (s)": ["t", "ts", "time", "times"],
  "Plate T (degC)": ["platet", "platetdegc", "platetemp", "platetempdegc", "platec"],
  "Ambient T (degC)": ["ambientt", "ambienttdegc", "ambienttemp", "ambienttempdegc", "ambientc"],
  "Clock (ms)": ["clock", "clockms"],
};

/** A name without case, blanks and punctuation: `Vsd (V)`, `VSD [V]` and `vsd_v` are one. */
export function plainName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/℃/g, "degc")
    .replace(/°/g, "deg")
    .replace(/[\s_\-()[\]]/g, "");
}

/**
 * The names that a table's columns get: the declared one where a column is spelled like it or by a
 * known synonym, else its own. No name is given twice: the later ones are told apart as Polars does.
 */
export function nameColumns(found: readonly string[], declared: DeclaredTypes): string[] {
  const names = [...found];
  const plain = found.map(plainName);
  for (const wanted of Object.keys(declared)) {
    let column = plain.indexOf(plainName(wanted));
    if (column < 0) column = plain.findIndex((name) => synonyms[wanted]?.includes(name));
    if (column >= 0) names[column] = wanted;
  }
  return withoutDuplicates(names);
}

/** `V`, `V_duplicated_0`, `V_duplicated_1`. */
function withoutDuplicates(names: readonly string[]): string[] {
  const given = new Set<string>();
  for (const name of names) {
    let unlike = name;
    for (let number = 0; given.has(unlike); number++) unlike = `${name}_duplicated_${number}`;
    given.add(unlike);
  }
  return [...given];
}
