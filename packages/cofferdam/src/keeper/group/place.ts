import { readFileSync, readlinkSync } from "node:fs";

/** Where the processes of a run are: nobody elsewhere can say whether one of them lives. */
export interface Place {
  /** The boot of this machine; empty where the system does not say. */
  readonly boot: string;
  /** The PID namespace, as `pid:[4026531836]`; empty outside Linux. */
  readonly namespace: string;
}

/** The machine's first PID namespace, which sees all others (PROC_PID_INIT_INO). */
const firstNamespace = "pid:[4026531836]";

export function ownPlace(): Place {
  return {
    boot: orEmpty(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    namespace: orEmpty(() => readlinkSync("/proc/self/ns/pid")),
  };
}

/** Whether a run at this place may have processes that are not shown to us. */
export function isElsewhere(place: Place | undefined): boolean {
  if (place === undefined) return false;
  const own = ownPlace();
  return (
    place.boot === own.boot && place.namespace !== own.namespace && own.namespace !== firstNamespace
  );
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
