import { FIRST_ALPHABET } from "./stations/first-alphabet.ts";
import { SECOND_ALPHABET } from "./stations/second-alphabet.ts";

/** What the handbook's register says of one station. */
export interface Station {
  readonly name: string;
  readonly river: string;
  readonly opened: number;
  readonly bank: "left" | "right";
  readonly built: string;
  /** Levels in centimetres. */
  readonly low: number;
  readonly mean: number;
  readonly high: number;
  readonly flow: readonly [low: number, mean: number, high: number];
  readonly flood: number;
  readonly access: string;
  readonly note: string;
}

const BUILT = [
  "a wooden hut on four piles, with a staff in three lengths and a float in a stilling well",
  "a stone hut with a tiled roof, and its well is cut into the rock below",
  "a steel box on the parapet of the bridge, with a pressure gauge in the middle pier",
  "no more than a staff bolted to a mill wall, and the miller has the key to the book",
];

export const STATIONS: readonly Station[] = [...FIRST_ALPHABET, ...SECOND_ALPHABET].map(
  ([name, river, opened, [low, mean, high], flow, flood, access, note], index) => ({
    name,
    river,
    opened,
    bank: index % 3 === 0 ? "right" : "left",
    built: BUILT[(index * 7 + opened) % BUILT.length] ?? "a hut",
    low,
    mean,
    high,
    flow,
    flood,
    access,
    note,
  }),
);
