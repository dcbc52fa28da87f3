import type { Comparison, NewObjects } from "./comparison.ts";
import type { ProcessEntry } from "./processes.ts";

/** A report for people, one line a thing. Strangers' things are summed up only. */
export function formatComparison(comparison: Comparison): string {
  const { left, unattributed, count, zombies, handedOver, blindSpots } = comparison;
  const lines = [
    count === 0
      ? "left: 0"
      : `left: ${count}${zombies === 0 ? "" : ` (${zombies} of them zombies)`}`,
    ...left.processes.map(
      ({ process, reason }) => `  process   ${describeProcess(process)}  [${reason}]`,
    ),
    ...describeObjects(left).map((line) => `  ${line}`),
  ];
  if (handedOver.length > 0) {
    lines.push(`zombies that only init can reap: ${handedOver.length} (not counted)`);
  }
  const others = unattributed.processes.length + describeObjects(unattributed).length;
  if (others > 0) {
    lines.push(`unattributed: ${others} (new on this machine, but nothing ties them to the run)`);
  }
  lines.push(...blindSpots.map((spot) => `not looked at: ${spot}`));
  return lines.join("\n");
}

export function describeProcess(process: ProcessEntry): string {
  const command = process.cmdline.length > 0 ? process.cmdline.join(" ") : `(${process.comm})`;
  const state = process.zombie ? "zombie" : process.state;
  return `${process.pid}  ${state}  ${printable(command).slice(0, 100)}`;
}

function describeObjects(objects: NewObjects): string[] {
  return [
    ...objects.sharedMemory.map((entry) => `shm       ${printable(entry.path)}`),
    ...objects.sysv.map((entry) => `sysv ${entry.kind}  id ${entry.id}, key ${entry.key}`),
    ...objects.messageQueues.map((entry) => `mqueue    ${printable(entry.path)}`),
    ...objects.cgroups.map((entry) => `cgroup    ${printable(entry.path)}`),
    ...objects.mounts.map((entry) => `mount     ${printable(entry.path)} (${entry.type})`),
    ...objects.scratch.map((entry) => `scratch   ${printable(entry.path)}`),
  ];
}

/** Names and arguments come from outside: no control character of theirs reaches the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}
