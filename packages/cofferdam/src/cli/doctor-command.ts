import { Command } from "commander";
import type { Advice, Check, Examination } from "../doctor/index.ts";
import { examineApps } from "./apps.ts";
import { createPaint, escapeForTerminal, wantsColour } from "../events/index.ts";
import type { Colour, Environment, Paint } from "../events/index.ts";

/** `doctor` fails where the end of every process is not confirmed by the kernel. */
const codes = { verified: 0, weaker: 1 };

const titles = {
  containment: "Containment",
  machine: "Machine",
  limits: "Limits",
  runs: "Runs",
  applications: "Applications",
} as const;

const marks = { ok: "✓", failed: "✗", weak: "–", unknown: "–" } as const;
const plainMarks = { ok: "ok", failed: "no", weak: "--", unknown: "--" } as const;

const colours: Record<Check["state"], Colour> = {
  ok: "green",
  failed: "red",
  weak: "yellow",
  unknown: "dim",
};

export function doctorCommand(): Command {
  return new Command("doctor")
    .summary("say what can be had on this machine, and how to get more")
    .description(
      "Tries each mechanism of containment, reads the limits that long runs meet, and says what to\n" +
        "do about what is missing. Changes nothing. Exits with 0 where containment is verified.",
    )
    .option("--json", "one JSON object instead of a table")
    .action(async (flags: { json?: true }) => {
      // Loaded when it is asked for: `exec` should not wait for it.
      const { examine } = await import("../doctor/index.ts");
      const machine = await examine();
      const found = { ...machine, checks: [...machine.checks, ...(await examineApps())] };
      const text = flags.json
        ? JSON.stringify({ schema: 1, ...found }, null, 2) + "\n"
        : show(found, process.stdout, process.env);
      process.stdout.write(text);
      process.exitCode = found.containment.verified ? codes.verified : codes.weaker;
    });
}

interface Look {
  readonly marks: Readonly<Record<Check["state"], string>>;
  readonly paint: Paint;
  readonly columns: number;
  readonly nameWidth: number;
}

function show(
  { containment, checks }: Examination,
  stream: { isTTY?: boolean; columns?: number },
  env: Environment,
): string {
  const look: Look = {
    marks: usesUnicode(env) ? marks : plainMarks,
    paint: createPaint(wantsColour(env, stream.isTTY ?? false)),
    columns: Math.min(Math.max(stream.columns ?? 80, 50), 100),
    nameWidth: Math.max(...checks.map(({ name }) => name.length)),
  };
  const lines: string[] = [];
  for (const [section, title] of Object.entries(titles)) {
    const rows = checks.filter((check) => check.section === section);
    if (rows.length === 0) continue;
    lines.push(look.paint("bold", title), ...rows.flatMap((row) => showCheck(row, look)), "");
  }
  const { tree, verified, why } = containment;
  const sum = verified
    ? `A run here gets ${tree}: its end is verified by the kernel.`
    : tree === "none"
      ? `A run here does not start: ${why}.`
      : `A run here gets ${tree}, which is not verified: ${why}.`;
  const colour = verified ? "green" : tree === "none" ? "red" : "yellow";
  lines.push(...wrap(sum, look.columns).map((line) => look.paint(colour, line)));
  const text = lines.map((line) => `${line}\n`).join("");
  return look.marks === plainMarks ? text.replaceAll("…", "...") : text;
}

function showCheck(check: Check, { marks, paint, columns, nameWidth }: Look): string[] {
  const mark = marks[check.state];
  const left = mark.length + 2 + nameWidth + 2;
  const [first = "", ...more] = wrap(check.detail, columns - left);
  return [
    ` ${paint(colours[check.state], mark)} ${check.name.padEnd(nameWidth)}  ${first}`,
    ...more.map((line) => " ".repeat(left) + line),
    ...check.advice.flatMap((advice) => showAdvice(advice, " ".repeat(mark.length + 2), columns)),
  ];
}

/** What is to be copied stands deeper, and is not broken: a shell would not mend it. */
function showAdvice(advice: Advice, indent: string, columns: number): string[] {
  if ("copy" in advice)
    return advice.copy.split("\n").map((line) => `${indent}    ${escapeForTerminal(line)}`);
  return wrap(advice.text, columns - indent.length).map((line) => indent + line);
}

/** Breaks between words; a word that is longer than a line stays whole. */
function wrap(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of escapeForTerminal(text).split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last === "") lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** As the progress bar does it, and nothing beyond ASCII for a terminal that calls itself dumb. */
function usesUnicode(env: Environment): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value);
  const plain = env["TERM"] === "dumb" || env["TERM"] === "linux";
  return !plain && (locale === undefined || /utf-?8/i.test(locale));
}
