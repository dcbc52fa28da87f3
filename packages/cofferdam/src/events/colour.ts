/** The environment as it matters here; `process.env` fits. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Colour = "red" | "green" | "yellow" | "cyan" | "bold" | "dim";

export type Paint = (colour: Colour, text: string) => string;

const CODES: Record<Colour, readonly [number, number]> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  bold: [1, 22],
  dim: [2, 22],
};

/**
 * Whether to colour. `FORCE_COLOR` comes first, as in Node itself (`0` and `false` are off, anything
 * else, also empty, is on), then a non-empty `NO_COLOR` (no-color.org), then `TERM=dumb`.
 */
export function wantsColour(env: Environment, isTTY: boolean): boolean {
  const force = env["FORCE_COLOR"];
  if (force !== undefined) return force !== "0" && force !== "false";
  return isTTY && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

/** Colours text, or with `enabled` false gives it back as it is. Measure the text before. */
export function createPaint(enabled: boolean): Paint {
  if (!enabled) return (_colour, text) => text;
  return (colour, text) => `\u001b[${CODES[colour][0]}m${text}\u001b[${CODES[colour][1]}m`;
}
