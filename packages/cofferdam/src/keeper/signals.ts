import { constants } from "node:os";

/** Linux has real-time signals from here on, and Node no names for them. */
const realTimeMin = 34;

/** Of two names for one number the first: SIGABRT and not SIGIOT. */
const names = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
);

/** A signal's name; `SIGRTMIN+2` for a real-time one, which the type does not know. */
export function signalName(number: number): NodeJS.Signals {
  const known = names.get(number);
  if (known !== undefined) return known;
  const above = number - realTimeMin;
  return (above === 0 ? "SIGRTMIN" : `SIGRTMIN${above < 0 ? "" : "+"}${above}`) as NodeJS.Signals;
}

/** The number behind what `signalName` gives. */
export function signalNumber(name: string): number {
  const [, above] = /^SIGRTMIN([+-]\d+)?$/.exec(name) ?? [];
  if (name.startsWith("SIGRTMIN")) return realTimeMin + Number(above ?? 0);
  return constants.signals[name as NodeJS.Signals];
}
