import { createRequire } from "node:module";
import { errorMessage } from "../errors/index.ts";

/** A commander option parser from a function that throws with a sentence for people. */
export function optionParser<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      // Only now: a program that has no command line does not load one.
      const require = createRequire(import.meta.url);
      const { InvalidArgumentError } = require("commander") as typeof import("commander");
      throw new InvalidArgumentError(errorMessage(error));
    }
  };
}

/** A whole number above zero. */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1 || !Number.isSafeInteger(Number(text)))
    throw new RangeError(`${JSON.stringify(text)} is not a whole number above 0`);
  return Number(text);
}

/** A whole number, which may be zero. */
export function parseCountOrNone(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new RangeError(`${JSON.stringify(text)} is not a whole number`);
  return Number(text);
}
