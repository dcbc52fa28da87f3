import { readField, readMounts, readNumber } from "./read.ts";

/** What can be read about why namespaces might be refused. Nothing here decides: trying does. */
export interface Facts {
  /** CAP_SYS_ADMIN is in effect: namespaces need no user namespace then. */
  readonly isAdmin: boolean;
  /** A seccomp filter is on this process. */
  readonly seccomp: boolean;
  /** `kernel.apparmor_restrict_unprivileged_userns` is on. */
  readonly appArmorRestricts: boolean;
  /** `kernel.unprivileged_userns_clone` is there and off. */
  readonly cloneForbidden: boolean;
  /** The `user.max_…_namespaces` that are 0. */
  readonly zeroLimits: readonly string[];
  /** What is mounted over parts of `/proc`. */
  readonly coveredProc: readonly string[];
}

const sysAdmin = 1n << 21n;

export function readFacts(root = "/"): Facts {
  const capabilities = readField(root, "/proc/self/status", "CapEff") ?? "0";
  const limits = ["user", "pid", "ipc", "mnt"].map((kind) => `max_${kind}_namespaces`);
  return {
    isAdmin: (BigInt(`0x${capabilities}`) & sysAdmin) !== 0n,
    seccomp: readField(root, "/proc/self/status", "Seccomp") === "2",
    appArmorRestricts:
      readNumber(root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === 1,
    cloneForbidden: readNumber(root, "/proc/sys/kernel/unprivileged_userns_clone") === 0,
    zeroLimits: limits
      .filter((name) => readNumber(root, `/proc/sys/user/${name}`) === 0)
      .map((name) => `user.${name}`),
    coveredProc: readMounts(root)
      .map(({ point }) => point)
      .filter(
        (point) => point.startsWith("/proc/") && !point.startsWith("/proc/sys/fs/binfmt_misc"),
      ),
  };
}
