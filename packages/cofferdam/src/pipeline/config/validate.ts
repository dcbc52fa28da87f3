import type { z } from "zod";
import { checkStages } from "./check-stages.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { ConfigProblem } from "./problem.ts";
import { knownKeys, pipelineSchema, type Pipeline } from "./schema.ts";

/** Checks a definition: its shape first, then what its parts say of one another. */
export function validatePipeline(
  definition: unknown,
  params: Readonly<Record<string, unknown>>,
): { pipeline: Pipeline; problems?: undefined } | { problems: readonly ConfigProblem[] } {
  const parsed = pipelineSchema.safeParse(definition);
  if (!parsed.success) return { problems: parsed.error.issues.flatMap(describeIssue) };
  const pipeline = { ...parsed.data, params: { ...params, ...parsed.data.params } };
  const problems = checkStages(pipeline);
  return problems.length > 0 ? { problems } : { pipeline };
}

function describeIssue(issue: z.core.$ZodIssue): ConfigProblem[] {
  const { path } = issue;
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        key: true,
        message: `is not known here${didYouMean(key, knownKeys(path) ?? [])}`,
      }));
    case "invalid_union":
      return [{ path, message: describeUnion(path, issue) }];
    case "invalid_key":
      return [{ path, key: true, message: issue.issues[0]?.message ?? issue.message }];
    case "invalid_type":
      return [{ path, message: describeType(path, issue.expected) }];
    case "invalid_value": {
      const values = issue.values.map(String);
      return [{ path, message: `must be ${oneOf(values)}` }];
    }
    default:
      return [{ path, message: issue.message }];
  }
}

const typeNames: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a mapping (key: value)",
  record: "a mapping (key: value)",
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
};

function describeType(path: readonly PropertyKey[], expected: string): string {
  if (path.at(-1) === "run")
    return "must be the words of a command as a list: [gzip, -k, \"{in}\"]; for a shell write [sh, -c, '…']";
  if (path.length === 1 && path[0] === "stages") return "is missing, or not a mapping of stages";
  return `must be ${typeNames[expected] ?? expected}`;
}

function describeUnion(path: readonly PropertyKey[], issue: z.core.$ZodIssueInvalidUnion): string {
  const key = path.at(-1);
  if (key === "each") return "must be a pattern, a list of patterns, or { lines: FILE }";
  if (key === "maxFailed") return 'must be a whole number or a share such as "2%"';
  const own = issue.errors.flat().find(({ code }) => code === "custom");
  if (own) return own.message;
  return "must be text or a number";
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(", ")}`;
}
