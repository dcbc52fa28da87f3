import { formatTable } from "../table.ts";
import type { ChaosResult, Round } from "./chaos.ts";

const BINS = 10;

/** The result for people: when it was struck, how fast all was gone, and what went wrong. */
export function formatResult(result: ChaosResult): string {
  const { victim, seed, expectedMs, outputs, undisturbedLeft, rounds } = result;
  const hits = rounds.filter((round) => round.struckAtMs !== null);
  const bad = rounds.filter((round) => round.violations.length > 0);
  return [
    `victim ${victim}, seed ${seed}: ${rounds.length} rounds, ${hits.length} kills` +
      ` (${rounds.length - hits.length} runs were over before their moment)`,
    `undisturbed: ${outputs} files in ${expectedMs} ms, and ${undisturbedLeft} things left`,
    formatPhases(rounds),
    formatHistogram(hits, expectedMs),
    formatGone(hits),
    bad.length === 0 ? "violations: 0" : `violations: in ${bad.length} rounds`,
    ...bad.flatMap((round) => [
      `  round ${round.number} (${describeMoment(round)}; again with --seed ${seed} --first ${round.number} --times 1)`,
      ...round.violations.map((violation) => `    ${violation}`),
    ]),
  ].join("\n");
}

/** One line while the rounds go on. */
export function formatRound(round: Round): string {
  const gone = round.goneAfterMs === null ? "" : `, gone after ${round.goneAfterMs} ms`;
  const verdict = round.violations.length === 0 ? "ok" : "VIOLATED";
  return `round ${round.number}: ${verdict} (${describeMoment(round)}${gone}, ${round.finished} finished)`;
}

function describeMoment({ moment, struckAtMs }: Round): string {
  const drawn = `${moment.phase} +${Math.round(moment.atMs)} ms`;
  return struckAtMs === null ? `${drawn}: the run was over` : `${drawn}, ${struckAtMs} ms into it`;
}

function formatPhases(rounds: readonly Round[]): string {
  const names = [...new Set(rounds.map((round) => round.moment.phase))].toSorted();
  const count = (phase: string): string => {
    const drawn = rounds.filter((round) => round.moment.phase === phase);
    const hit = drawn.filter((round) => round.struckAtMs !== null);
    return `${phase} ${hit.length}/${drawn.length}`;
  };
  return `phases (killed/drawn): ${names.map(count).join(", ")}`;
}

/** When the kills fell, in tenths of the undisturbed run. */
function formatHistogram(hits: readonly Round[], expectedMs: number): string {
  const bins = Array.from({ length: BINS + 1 }, () => 0);
  for (const { struckAtMs } of hits) {
    const bin = Math.min(BINS, Math.floor(((struckAtMs ?? 0) / expectedMs) * BINS));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const rows = bins.map((count, bin) => {
    const from = Math.round((bin / BINS) * expectedMs);
    const label = bin === BINS ? `${from} ms and later` : `from ${from} ms`;
    return [label, String(count), "█".repeat(Math.min(count, 60))];
  });
  return formatTable(["kill at", "kills", ""], rows);
}

function formatGone(hits: readonly Round[]): string {
  const times = hits
    .map((round) => round.goneAfterMs)
    .filter((time) => time !== null)
    .toSorted((a, b) => a - b);
  if (times.length === 0) return "gone after: never";
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return `gone after: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${times.at(-1) ?? 0} ms`;
}
