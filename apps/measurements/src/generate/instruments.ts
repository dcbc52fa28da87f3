import { pythonNumber, reading, type InstrumentFile } from "./instrument-file.ts";
import type { Random } from "./random.ts";

/** What is measured: the chip, under which light, from when. */
export interface Circumstances {
  /** Seconds since the epoch. */
  readonly startSeconds: number;
  readonly random: Random;
}

type Entries = readonly (readonly [string, string])[];

/** Ranges of IV sweeps and their steps, in volts. */
const sweeps = [
  [1, 0.01],
  [2, 0.02],
  [3, 0.03],
  [5, 0.05],
  [8, 0.1],
] as const;

/** Current and voltage: a sweep 0 → −V → 0 → +V → 0. */
export function measureIv(circumstances: Circumstances): InstrumentFile {
  const [range, step] = circumstances.random.pick(sweeps);
  return sweepFile(circumstances, range, step);
}

/** A sweep of nine points, too small to hold a segment. */
export function measureSmallIv(circumstances: Circumstances): InstrumentFile {
  return sweepFile(circumstances, 0.02, 0.01);
}

function sweepFile(circumstances: Circumstances, range: number, step: number): InstrumentFile {
  const { random, startSeconds } = circumstances;
  // The ramp of some programs keeps half a millivolt from zero: −7.9005 instead of −7.9.
  const offset = range > 1 && random.next() < 0.3 ? 0.0005 : 0;
  const withTemperatures = random.next() < 0.25;
  const conductance = random.between(1e-9, 5e-6);
  const lag = random.between(0, 0.05);
  const rows: string[] = [];
  let last = 0;
  for (const voltage of rampVoltages(range, step, offset)) {
    const noise = random.between(-1, 1) * 1e-3;
    const current = conductance * (voltage + 0.08 * voltage ** 3 + lag * (voltage - last) + noise);
    const row = `${pythonNumber(voltage)},${reading(current)}`;
    rows.push(withTemperatures ? `${row},${temperatures(random, rows.length)}` : row);
    last = voltage;
  }
  return {
    procedure: "IV",
    parameters: [
      ...commonParameters(random, "VG"),
      ["VSD end", `${pythonNumber(range)} V`],
      ["VSD start", `${pythonNumber(-range)} V`],
      ["VSD step", `${pythonNumber(step)} V`],
      // The gate's voltage may be given relative to the Dirac point.
      ["VG", random.next() < 0.2 ? "DP + 0. V" : `${pythonNumber(random.integer(-3, 3))} V`],
    ],
    metadata: [["Start time", pythonNumber(startSeconds)]],
    columns: ["Vsd (V)", "I (A)", ...(withTemperatures ? temperatureColumns : [])],
    rows,
  };
}

/** Points on each of the four ways between zero and an end, ends included on the way there. */
export function pointsPerWay(range: number, step: number): number {
  return Math.round(range / step);
}

function* rampVoltages(range: number, step: number, offset: number): Generator<number> {
  const points = pointsPerWay(range, step);
  const at = (index: number): number => {
    if (index === 0) return 0;
    if (index === points) return range;
    return Number((index * step + offset).toFixed(6));
  };
  yield 0;
  for (const sign of [-1, 1]) {
    for (let index = 1; index <= points; index++) yield sign * at(index);
    for (let index = points - 1; index > 0; index--) yield sign * at(index);
    yield 0;
  }
}

/** Current over the gate's voltage, there and back. */
export function measureIvg({ random, startSeconds }: Circumstances): InstrumentFile {
  return gateSweep("IVg", random, startSeconds, 0.05);
}

export function measureIvgt({ random, startSeconds }: Circumstances): InstrumentFile {
  return gateSweep("IVgT", random, startSeconds, 0.1);
}

function gateSweep(
  procedure: "IVg" | "IVgT",
  random: Random,
  startSeconds: number,
  step: number,
): InstrumentFile {
  const end = 5;
  const points = Math.round((2 * end) / step);
  const dirac = random.between(-1.5, 1.5);
  const scale = random.between(1e-7, 1e-6);
  const rows: string[] = [];
  for (let index = 0; index <= 2 * points; index++) {
    const there = index <= points ? index : 2 * points - index;
    const voltage = Number((-end + there * step).toFixed(6));
    const current = scale * (0.4 + Math.abs(voltage - dirac)) * (1 + random.between(-1, 1) * 2e-3);
    const row = `${pythonNumber(voltage)},${reading(current)}`;
    rows.push(procedure === "IVgT" ? `${row},${temperatures(random, index)}` : row);
  }
  return {
    procedure,
    parameters: [
      ...commonParameters(random, "VDS"),
      ["VDS", `${pythonNumber(random.pick([0.05, 0.075, 0.1]))} V`],
      ["VG end", `${pythonNumber(end)} V`],
      ["VG start", `${pythonNumber(-end)} V`],
      ["VG step", `${pythonNumber(step)} V`],
    ],
    metadata: [["Start time", pythonNumber(startSeconds)]],
    columns: ["Vg (V)", "I (A)", ...(procedure === "IVgT" ? temperatureColumns : [])],
    rows,
  };
}

/** Current over time while the laser goes on and off. */
export function measureIt({ random, startSeconds }: Circumstances): InstrumentFile {
  return timeSeries("It", random, startSeconds, random.integer(300, 480));
}

export function measureItt({ random, startSeconds }: Circumstances): InstrumentFile {
  return timeSeries("ITt", random, startSeconds, random.integer(180, 300));
}

function timeSeries(
  procedure: "It" | "ITt",
  random: Random,
  startSeconds: number,
  samples: number,
): InstrumentFile {
  const period = 60;
  const laserVolts = random.pick([0, 0.3, 2, 4.5]);
  const dark = random.between(1e-7, 9e-7);
  const rows: string[] = [];
  let seconds = 0;
  for (let index = 0; index < samples; index++) {
    seconds += random.between(0.28, 0.34);
    const isLit = seconds % period > period / 2;
    const current = dark * (1 + (isLit ? 0.04 * laserVolts : 0) + random.between(-1, 1) * 1e-3);
    const row = `${reading(seconds)},${reading(current)},${pythonNumber(isLit ? laserVolts : 0)}`;
    rows.push(procedure === "ITt" ? `${row},${temperatures(random, index)}` : row);
  }
  return {
    procedure,
    parameters: [
      ...commonParameters(random, "VDS").filter(
        ([key]) => !/^(Laser (toggle|voltage)|Burn)/.test(key),
      ),
      ["Laser ON+OFF period", `${pythonNumber(period)} s`],
      ["Laser voltage", `${pythonNumber(laserVolts)} V`],
      ["Sampling time (excluding Keithley)", "0.0 s"],
      ["VDS", "0.1 V"],
      ["VG", `${pythonNumber(random.integer(-3, 3))} V`],
    ],
    metadata: [["Start time", pythonNumber(startSeconds)]],
    columns: ["t (s)", "I (A)", "VL (V)", ...(procedure === "ITt" ? temperatureColumns : [])],
    rows,
  };
}

/** Temperatures over time. */
export function measureTt({ random, startSeconds }: Circumstances): InstrumentFile {
  const target = random.integer(30, 90);
  const rows: string[] = [];
  const samples = random.integer(150, 300);
  for (let index = 0; index < samples; index++) {
    const plate = 22 + (target - 22) * (1 - Math.exp(-index / 60)) + random.between(-0.1, 0.1);
    const ambient = 22 + random.between(-0.2, 0.2);
    rows.push(`${reading(index * 0.5)},${plate.toFixed(2)},${ambient.toFixed(2)},${index * 500}.0`);
  }
  return {
    procedure: "Tt",
    parameters: [
      ...chipParameters(random),
      ["Initial (current) T", "22.0 degC"],
      ["Sampling time (excluding Keithley)", "0.5 s"],
      ["Step time", "30.0 s"],
      ["Target T", `${pythonNumber(target)} degC`],
    ],
    metadata: [["Start time", pythonNumber(startSeconds)]],
    columns: ["Time (s)", "Plate Temperature (degC)", "Ambient Temperature (degC)", "Clock"],
    rows,
  };
}

/** The laser's power over its voltage. No chip is involved. */
export function calibrateLaser({ random, startSeconds }: Circumstances): InstrumentFile {
  const slope = random.between(1e-6, 4e-5);
  const rows: string[] = [];
  for (let index = 0; index <= 100; index++) {
    const volts = Number((index * 0.05).toFixed(6));
    const power = Math.max(0, volts - 0.6) * slope + random.between(0, 1e-9);
    rows.push(`${pythonNumber(volts)},${reading(power)}`);
  }
  return {
    procedure: "LaserCalibration",
    parameters: [
      ["Chained execution", "False"],
      ["Laser voltage end", "5.0 V"],
      ["Laser voltage start", "0.0 V"],
      ["Laser voltage step", "0.05 V"],
      ["Laser wavelength", `${pythonNumber(random.pick(wavelengths))} nm`],
      ["N_avg", "2"],
      ["Optical fiber", random.pick(["A10", "B22"])],
      ["Procedure version", "1.2.0"],
      ["Step time", "2.0 s"],
    ],
    metadata: [
      ["Sensor model", "PM100D"],
      ["Start time", pythonNumber(startSeconds)],
    ],
    columns: ["VL (V)", "Power (W)"],
    rows,
  };
}

const wavelengths = [365, 405, 455, 590, 625, 850] as const;
const temperatureColumns = ["Plate T (degC)", "Ambient T (degC)", "Clock (ms)"] as const;

function temperatures(random: Random, index: number): string {
  const plate = random.between(21.5, 23.5).toFixed(2);
  return `${plate},${random.between(21, 22).toFixed(2)},${index * 310}.0`;
}

function chipParameters(random: Random): Entries {
  return [
    ["Chained execution", random.pick(["False", "True"])],
    ["Chip group name", random.pick(["Alisson", "Margarita", "Miguel"])],
    ["Chip number", String(random.integer(60, 84))],
    ["Information", random.pick(["", "after annealing", "ratio 2:1, second contact"])],
    ["Procedure version", "1.2.0"],
    ["Sample", random.pick(["A", "B", "C", "D"])],
    ["Show more", "False"],
  ];
}

function commonParameters(random: Random, gated: "VG" | "VDS"): Entries {
  return [
    ...chipParameters(random),
    ["Burn-in time", `${gated === "VG" ? "10.0" : "60.0"} s`],
    ["Irange", "0.001 A"],
    ["Laser toggle", random.pick(["False", "True"])],
    ["Laser voltage", `${pythonNumber(random.pick([0, 0, 1.2, 3.5]))} V`],
    ["Laser wavelength", `${pythonNumber(random.pick(wavelengths))}${gated === "VG" ? " nm" : ""}`],
    ["NPLC", "1"],
    ["N_avg", "2"],
    ["Step time", "0.01 s"],
  ];
}
