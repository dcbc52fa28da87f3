import { formatTable } from "../table.ts";
import { PHASES } from "./plan.ts";
import type { Played, StormResult } from "./storm.ts";

/** Whether nothing is left, every round was sound, and there were rounds. */
export function isSound({ rounds, left }: StormResult): boolean {
  return (
    left.length === 0 && rounds.length > 0 && rounds.every(({ violation }) => violation === null)
  );
}

/** The result for people: who was killed how often, how fast all was gone, and what went wrong. */
export function formatStorms(storms: readonly StormResult[]): string {
  const rows = storms.flatMap((storm) =>
    storm.victims.map((victim) => [
      storm.tier,
      victim,
      ...formatRounds(storm.rounds.filter((round) => round.victim === victim)),
    ]),
  );
  const head = ["containment", "killed", "rounds", "gone at once", "after the next start"];
  return [
    formatTable([...head, "median", "95 %", "most", "violated"], rows),
    ...storms.map(formatPhases),
    ...storms.map(formatEnd),
    ...storms.flatMap(formatViolations),
  ].join("\n");
}

/** While the rounds go on. */
export function formatProgress(tier: string, done: number, of: number, violated: number): string {
  return `${tier}: ${done} of ${of} rounds, ${violated} violated`;
}

function formatRounds(rounds: readonly Played[]): string[] {
  const violated = rounds.filter(({ violation }) => violation !== null).length;
  const times = rounds
    .map(({ goneAfterMs }) => goneAfterMs)
    .filter((time) => time !== null)
    .toSorted((a, b) => a - b);
  const at = (share: number): string => {
    const time = times[Math.min(times.length - 1, Math.floor(times.length * share))];
    return time === undefined ? "" : `${time} ms`;
  };
  const later = rounds.length - times.length - violated;
  return [rounds.length, times.length, later]
    .map(String)
    .concat(at(0.5), at(0.95), at(1), String(violated));
}

function formatPhases({ tier, rounds }: StormResult): string {
  const counts = PHASES.map(
    (phase) => `${phase} ${rounds.filter((round) => round.phase === phase).length}`,
  );
  return `${tier}, killed while: ${counts.join(", ")}`;
}

function formatEnd({ tier, seed, left, cutOff }: StormResult): string {
  const folders = cutOff === 0 ? "" : `; ${cutOff} folders of runs killed while they were made`;
  const found = left.length === 0 ? "0" : `${left.length}: ${left.join("; ")}`;
  return `${tier}, seed ${seed}, left at the end (processes, IPC objects, cgroups, mounts, folders): ${found}${folders}`;
}

function formatViolations({ tier, seed, rounds }: StormResult): string[] {
  return rounds.flatMap(({ number, victim, phase, violation }) =>
    violation === null
      ? []
      : [
          `${tier}, round ${number} (${victim}, ${phase}; again with --tier ${tier} --seed ${seed} --first ${number} --times 1): ${violation}`,
        ],
  );
}
