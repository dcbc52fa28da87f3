import { cofferdam, cofferdamGroup, cofferdamSubreaper } from "./cofferdam.ts";
import type { Means } from "./means.ts";
import { childProcess, execa, subprocess } from "./peers.ts";

/** In the order of the table. */
export const allMeans: readonly Means[] = [
  childProcess,
  execa,
  subprocess,
  cofferdam,
  cofferdamSubreaper,
  cofferdamGroup,
];
