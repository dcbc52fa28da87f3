/** How a value of a header or a column of a table is to be understood. */
export const valueTypes = ["float", "float_no_unit", "int", "bool", "str", "datetime"] as const;

export type ValueType = (typeof valueTypes)[number];
export type DeclaredTypes = Readonly<Record<string, ValueType>>;

/** What a procedure of the instrument writes, by the names that are to be used. */
export interface Procedure {
  readonly parameters: DeclaredTypes;
  readonly metadata: DeclaredTypes;
  readonly data: DeclaredTypes;
}

export type Procedures = Readonly<Record<string, Procedure>>;

/** Of a procedure that nobody declared: its header stays text, its columns are found out. */
export const undeclared: Procedure = { parameters: {}, metadata: {}, data: {} };
