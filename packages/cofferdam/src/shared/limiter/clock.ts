import { readFileSync } from "node:fs";
import { monotonicMs } from "../../clock.ts";

/** The times that processes of one machine agree on. */
export interface SharedClock {
  /** Milliseconds of a clock that all processes share, that never goes back, and ends with the boot. */
  now(): number;
  /** Milliseconds since the epoch: only to get over a boot. */
  wall(): number;
  /** Another boot, another text. */
  readonly boot: string;
}

/** CLOCK_MONOTONIC: setting the machine's time does not move it, and a process sees no other. */
export const machineClock: SharedClock = {
  now: monotonicMs,
  wall: () => Date.now(),
  get boot() {
    try {
      return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    } catch {
      return "unknown"; // a permit of the future then tells that there was another boot
    }
  },
};
