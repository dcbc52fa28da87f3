import { fileURLToPath } from "node:url";
import type { Subject } from "./subject.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The documents command over a folder of PDFs. */
export function documentsSubject(input: string): Subject {
  return {
    suffix: ".md",
    command: (out) => [
      process.execPath,
      "--conditions=cofferdam-source",
      `${ROOT}packages/cofferdam/bin/cofferdam.js`,
      "documents",
      input,
      "--out",
      out,
      "--progress",
      "json",
    ],
  };
}

/** Any command line that has `{out}` where the folder goes. */
export function templateSubject(words: readonly string[], suffix: string): Subject {
  return {
    suffix,
    command: (out) => words.map((word) => word.replaceAll("{out}", out)),
  };
}
