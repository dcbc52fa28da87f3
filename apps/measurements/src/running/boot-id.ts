import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

/**
 * Tells one boot of this machine from another (random(4)). Where the system does not say, it is
 * another one each time: whoever compares two then takes the machine to have gone down between them.
 */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return randomUUID();
  }
}
