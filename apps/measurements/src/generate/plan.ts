import { faults, faultWeights, isRejected, sweepFaults, type Fault } from "./faults.ts";
import { Random } from "./random.ts";

export interface LoadOptions {
  /** How many files. */
  readonly files: number;
  /** How many of them are IV sweeps that can be staged. */
  readonly runs: number;
  /** From 0 to 1: the share of faulty files. */
  readonly faulty: number;
  readonly seed: number;
}

export interface PlannedFile {
  readonly index: number;
  readonly procedure: string;
  readonly fault: Fault | null;
  /** Local date of the measurement: the name of its folder. */
  readonly date: string;
  /** Below the raw root. */
  readonly file: string;
  /** Seconds since the epoch. */
  readonly startSeconds: number;
}

/** The procedures beside IV, and how many of a hundred files are of each. */
const otherProcedures = { IVg: 26, IVgT: 10, It: 30, ITt: 17, Tt: 9, LaserCalibration: 8 } as const;

/** One rejected file in so many is an IV sweep, which then is no run. */
const sweepsAmongRejected = 4;
const filesPerDay = 260;
const firstDay = Date.UTC(2024, 8, 2);
const dayMs = 86_400_000;
/** Nine in the morning, for clocks three or four hours behind UTC. */
const firstHour = 13;

/** Decides what each file is: the same for the same options, everywhere. */
export function planLoad(options: LoadOptions): PlannedFile[] {
  const random = new Random(options.seed, 1);
  const kinds = chooseKinds(options, random);
  random.shuffle(kinds);
  const counters = new Map<string, number>();
  return kinds.map(({ procedure, fault }, index) => {
    const day = Math.floor(index / filesPerDay);
    const date = new Date(firstDay + day * dayMs).toISOString().slice(0, 10);
    const name = `${procedure}${date}`;
    const number = (counters.get(name) ?? 0) + 1;
    counters.set(name, number);
    const second = firstHour * 3600 + (index % filesPerDay) * 150 + random.between(0, 120);
    const startSeconds = (firstDay + day * dayMs) / 1000 + Number(second.toFixed(3));
    return {
      index,
      procedure,
      fault,
      date,
      file: `${date}/${name}_${number}.csv`,
      startSeconds: Number(startSeconds.toFixed(3)),
    };
  });
}

interface Kind {
  readonly procedure: string;
  readonly fault: Fault | null;
}

function chooseKinds({ files, runs, faulty }: LoadOptions, random: Random): Kind[] {
  const kinds: Kind[] = [];
  const others = Object.entries(otherProcedures);
  const other = (): string => {
    let left = random.between(0, 100);
    for (const [procedure, weight] of others) {
      left -= weight;
      if (left < 0) return procedure;
    }
    return "It";
  };
  for (const fault of spreadFaults(Math.round(files * faulty))) {
    const isSweep = isRejected(fault)
      ? kinds.length % sweepsAmongRejected === 0
      : sweepFaults.includes(fault) || random.next() < runs / files;
    kinds.push({ procedure: isSweep ? "IV" : other(), fault });
  }
  const faultyRuns = kinds.filter(
    ({ procedure, fault }) => procedure === "IV" && fault !== null && !isRejected(fault),
  ).length;
  for (let run = faultyRuns; run < runs; run++) kinds.push({ procedure: "IV", fault: null });
  while (kinds.length < files) kinds.push({ procedure: other(), fault: null });
  return kinds.slice(0, files);
}

/** As many of each fault as its weight says, and in all exactly as many as asked for. */
function spreadFaults(count: number): Fault[] {
  const total = Object.values(faultWeights).reduce((sum, weight) => sum + weight, 0);
  const spread: Fault[] = [];
  let reached = 0;
  for (const fault of faults) {
    reached += faultWeights[fault];
    while (spread.length < Math.round((count * reached) / total)) spread.push(fault);
  }
  return spread;
}
