/** A station as the register has it: levels in centimetres, flow in cubic metres a second. */
export type Row = readonly [
  name: string,
  river: string,
  opened: number,
  levels: readonly [number, number, number],
  flow: readonly [number, number, number],
  flood: number,
  access: string,
  note: string,
];
