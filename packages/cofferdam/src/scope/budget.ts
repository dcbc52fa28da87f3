import { Budget } from "../budget/budget.ts";
import { usableCpus } from "../budget/index.ts";
import { CofferdamError } from "../errors/index.ts";
import { checkCount, parseMemory } from "./bounds.ts";
import type { Size } from "../units/index.ts";

/** What the processes of a scope may use together. */
export interface BudgetOptions {
  /** Default: the CPUs this process may use. */
  readonly cpus?: number;
  /** Bounds of those that have one, and what workers were seen to use. Default: no bound. */
  readonly memory?: Size;
  /** The GPUs, by number or by name: `2`, or `["0", "3"]`. */
  readonly gpus?: number | readonly string[];
  /** Other things that are counted, by a name of one's own: `{ licence: 3 }`. */
  readonly resources?: Readonly<Record<string, number | readonly string[]>>;
}

/** Throws `INVALID_ARGUMENT`. */
export function openBudget(options: BudgetOptions): Budget {
  const counted = { ...options.resources };
  if (options.gpus !== undefined) counted["gpu"] = options.gpus;
  const resources = Object.entries(counted).map(([name, units]) => [name, unitNames(name, units)]);
  return new Budget({
    cpus: options.cpus === undefined ? usableCpus() : checkCount(options.cpus, "budget.cpus"),
    memoryBytes: options.memory === undefined ? Infinity : parseMemory(options.memory),
    resources: Object.fromEntries(resources) as Record<string, string[]>,
  });
}

function unitNames(name: string, units: number | readonly string[]): readonly string[] {
  if (typeof units !== "number") return units;
  if (Number.isSafeInteger(units) && units >= 0)
    return Array.from({ length: units }, (_, i) => String(i));
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `budget.${name} must be a whole number, 0 or more, or a list of names, not ${units}`,
  );
}
