import { z } from "zod";
import { parseDuration, parseSize } from "../../units/index.ts";
import { failureCauses } from "./causes.ts";

const duration = z
  .union([z.string(), z.number()])
  .refine(isParsed(parseDuration), 'is not a duration; write "30s", "10m" or "1h30m"');
const size = z
  .union([z.string(), z.number()])
  .refine(isParsed(parseSize), 'is not a size; write "500 MB" or "2 GiB"');
const count = z.int("must be a whole number").min(1, "must be at least 1");
const percent = z.string().regex(/^\d+(\.\d+)?%$/, 'is not a share; write "2%"');
const words = z
  .array(z.union([z.string(), z.number().transform(String)]))
  .min(1, "has no command in it");
const name = z.string().min(1, "must not be empty");

const retry = z
  .strictObject({
    attempts: z
      .int()
      .min(0)
      .optional()
      .meta({ description: "How often an item that failed is tried again. Default 0." }),
    on: z
      .array(z.enum(failureCauses))
      .min(1)
      .optional()
      .meta({ description: "After which causes. Default: all but memory." }),
    oom: z
      .strictObject({
        attempts: z.int().min(0),
        memory: z
          .string()
          .regex(/^x\d+(\.\d+)?$/, 'is not a factor; write "x2"')
          .optional(),
      })
      .optional()
      .meta({
        description:
          "Further tries for an item that went above its memory bound, each with so many times the bound of the one before.",
      }),
  })
  .meta({ description: "Tries after a failure, by cause." });

const resources = z
  .object({
    memory: size.optional().meta({ description: "Bound for the memory of an item's whole tree." }),
    cpus: count.optional().meta({ description: "CPUs that an item's tree may run on." }),
    threads: count.optional().meta({ description: "Threads that libraries are told to use." }),
    processes: count.optional().meta({ description: "Bound for the processes of an item's tree." }),
  })
  .catchall(count)
  .meta({
    description:
      "What an item needs. Other names are counted, such as `gpu: 1`: no more at once than the top level's `resources` has of them (1 unless it says).",
  });

const stage = z
  .strictObject({
    each: z
      .union([name, z.array(name).min(1), z.strictObject({ lines: name })])
      .optional()
      .meta({
        description:
          "One item for each file that matches; `!` leaves out. Or for each line of a file: `{ lines: ids.txt }`.",
      }),
    from: name.optional().meta({ description: "One item for each output of another stage." }),
    gather: name.optional().meta({
      description:
        "Makes many into one: `all`, or a pattern such as `{in.dir}`, and one item for each value of it. `{in}` is then a file with the inputs' paths, one on a line.",
    }),
    run: words.optional().meta({ description: "A command, as a list of words. No shell." }),
    module: name.optional().meta({ description: "A JavaScript or TypeScript file to call." }),
    python: name.optional().meta({ description: "A Python file to call." }),
    function: name
      .optional()
      .meta({ description: "Which function of it. Default: `default`, in Python `run`." }),
    out: name.optional().meta({
      description:
        "The output's path, such as `md/{in.stem}.md`. One that ends with `/` is a folder of outputs.",
    }),
    track: z.array(name).optional().meta({
      description:
        "What else shapes the result: `params.NAME`, `tool:COMMAND` (its version), `file:PATH` (a file, or a folder with all that is in it).",
    }),
    env: z
      .record(z.string(), z.union([z.string(), z.number().transform(String)]))
      .optional()
      .meta({ description: "Added to the environment." }),
    resources: resources.optional(),
    limit: name
      .optional()
      .meta({ description: "A limit that each item asks for before it starts." }),
    timeout: z
      .union([z.string(), z.number()])
      .refine(
        (value) => isParsed(parseDuration)(value) || percent.safeParse(value).success,
        'is neither a duration ("10m") nor a share of the median ("300%")',
      )
      .optional()
      .meta({
        description: "For each item. A share is one of the median time of those that ended well.",
      }),
    grace: duration.optional().meta({ description: "Between TERM and KILL. Default 5 s." }),
    ipc: z.enum(["task", "scope", "host"]).optional().meta({
      description:
        "With whom an item's tree, or a worker, shares System V objects, message queues and /dev/shm. task (default): with nobody. scope: with all of the run that say the same. host: with the machine.",
    }),
    retry: retry.optional(),
    onFail: z.enum(["quarantine", "continue", "stop"]).optional().meta({
      description:
        "quarantine (default): left alone until --retry-failed. continue: tried again in the next run. stop: nothing more is started.",
    }),
    maxFailed: z
      .union([z.int().min(0), percent])
      .optional()
      .meta({
        description: "The run stops when more items of the stage have failed.",
      }),
    workers: count.optional().meta({ description: "Items of this stage at once." }),
    barrier: z.boolean().optional().meta({
      description: "Starts when the stage before has ended and its workers are gone.",
    }),
    allowMissing: z.boolean().optional().meta({
      description: "With gather: goes on without the inputs that failed.",
    }),
  })
  .meta({ description: "A stage: what its items are, and what is done to each." });

const limit = z.strictObject({
  rpm: count.optional().meta({ description: "Requests in a minute." }),
  tpm: count.optional().meta({ description: "Tokens, or other units, in a minute." }),
  concurrency: count.optional().meta({ description: "Requests at once." }),
});

const cache = z.strictObject({
  version: z.string().optional().meta({ description: "Part of every key." }),
  maxBytes: size.optional().meta({ description: "Bound for its size. Default 1 GB." }),
  ttl: duration.optional().meta({ description: "How long a value is good." }),
  folder: name.optional().meta({ description: "Where it lies. Default: in your cache folder." }),
});

export const pipelineSchema = z
  .strictObject({
    version: z.literal(1).optional().meta({ description: "Of this format." }),
    params: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: "Named values. Those of a `params.yaml` beside the file count too." }),
    limits: z.record(name, limit).optional().meta({ description: "Limits that stages share." }),
    caches: z
      .record(name, cache)
      .optional()
      .meta({ description: "Caches that workers share, by `currentTask().cache(NAME)`." }),
    resources: z
      .record(name, count)
      .optional()
      .meta({ description: "How many there are of each counted resource." }),
    stages: z
      .record(
        z.string().regex(/^[A-Za-z][\w-]*$/, "is not a stage's name: letters, digits, - and _"),
        stage,
      )
      .refine((stages) => Object.keys(stages).length > 0, "has no stage"),
  })
  .meta({ title: "Cofferdam pipeline" });

/** A pipeline as it is written, in YAML or TypeScript. */
export type PipelineDefinition = z.input<typeof pipelineSchema>;
export type StageDefinition = z.input<typeof stage>;
export type LimitDefinition = z.input<typeof limit>;
/** After checking: numbers in commands are text. */
export type Pipeline = z.output<typeof pipelineSchema>;
export type Stage = z.output<typeof stage>;

/** The keys that an object at this place of a definition may have; null where any may stand. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] | null {
  const [top, , third] = path;
  if (path.length === 0) return Object.keys(pipelineSchema.shape);
  if (top === "limits" && path.length === 2) return Object.keys(limit.shape);
  if (top === "caches" && path.length === 2) return Object.keys(cache.shape);
  if (top !== "stages") return null;
  if (path.length === 2) return Object.keys(stage.shape);
  if (third === "retry" && path.length === 3) return Object.keys(retry.shape);
  if (third === "retry" && path.length === 4) return ["attempts", "memory"];
  return third === "each" ? ["lines"] : null;
}

function isParsed(parse: (value: string | number) => number): (value: string | number) => boolean {
  return (value) => {
    try {
      parse(value);
      return true;
    } catch {
      return false;
    }
  };
}
