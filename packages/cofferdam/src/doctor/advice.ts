import type { Advice } from "./check.ts";
import type { Facts } from "./facts.ts";

/** Why namespaces are refused, as far as it can be read, and how to get them. */
export function adviseNamespaces(facts: Facts, keeper: string, detail: string): Advice[] {
  const advice: Advice[] = [];
  if (facts.zeroLimits.length > 0) advice.push(...adviseLimits(facts.zeroLimits));
  if (facts.cloneForbidden && !facts.isAdmin) advice.push(...adviseClone);
  if (facts.appArmorRestricts && !facts.isAdmin) advice.push(...adviseAppArmor(keeper));
  if (facts.seccomp) advice.push(...adviseSeccomp);
  if (advice.length > 0) return advice;
  if (/ENOSYS|not implemented/.test(detail))
    return [
      { text: "The kernel does not know clone3: it is older than Linux 5.3, or not Linux itself." },
    ];
  return [
    {
      text:
        "Nothing that can be read here says why. It may be a security module (SELinux, AppArmor), " +
        "or a kernel that was built without user namespaces (CONFIG_USER_NS) or PID namespaces. " +
        "The kernel's log may tell: look for `denied`.",
    },
    { copy: "sudo dmesg | tail" },
  ];
}

function adviseLimits(names: readonly string[]): Advice[] {
  const price = names.includes("user.max_user_namespaces")
    ? " User namespaces let every user reach more of the kernel; somebody may have turned them off for that."
    : "";
  return [
    {
      text:
        `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} 0, so nobody may make such a namespace. As root allow some, and ` +
        `put the setting into a file below /etc/sysctl.d to keep it.${price}`,
    },
    { copy: names.map((name) => `sudo sysctl ${name}=15000`).join("\n") },
  ];
}

const adviseClone: readonly Advice[] = [
  {
    text:
      "kernel.unprivileged_userns_clone is 0: only root may make user namespaces. As root allow " +
      "them, and put the setting into a file below /etc/sysctl.d to keep it. It lets every user reach " +
      "more of the kernel.",
  },
  { copy: "sudo sysctl kernel.unprivileged_userns_clone=1" },
];

/**
 * A profile for the keeper, and not the sysctl, which would open it for every program.
 * https://documentation.ubuntu.com/security/security-features/privilege-restriction/apparmor/
 */
function adviseAppArmor(keeper: string): Advice[] {
  return [
    {
      text:
        "kernel.apparmor_restrict_unprivileged_userns is 1: a program may use user namespaces only " +
        "if an AppArmor profile says so. Give the keeper one, and leave the setting as it is: it " +
        "guards every other program. As root write /etc/apparmor.d/cofferdam-keeper:",
    },
    {
      copy:
        "abi <abi/4.0>,\n" +
        "include <tunables/global>\n" +
        `profile cofferdam-keeper "${keeper}" flags=(unconfined) {\n` +
        "  userns,\n" +
        "}",
    },
    { text: "and load it:" },
    { copy: "sudo apparmor_parser -r /etc/apparmor.d/cofferdam-keeper" },
    {
      text:
        "The profile holds for this path. Who can write to that file gets user namespaces through " +
        "it; a copy that root owns, named by COFFERDAM_KEEPER, is stricter and serves all projects.",
    },
  ];
}

const adviseSeccomp: readonly Advice[] = [
  {
    text:
      "A seccomp filter is on this process, as container engines set one. It has to let clone3 and " +
      "mount through. In Docker there are two ways, and both have a price:",
  },
  { copy: "docker run --security-opt seccomp=FILE --security-opt apparmor=unconfined …" },
  {
    text:
      "FILE is Docker's default profile with clone, clone3, mount and umount2 allowed without " +
      "conditions. It gives the container no right over the host, but more of the kernel to attack. " +
      "(apparmor=unconfined only where the host has AppArmor: Docker's profile denies mount.)",
  },
  { copy: "docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined …" },
  {
    text:
      "needs no file and works for root in the container. CAP_SYS_ADMIN is close to root on the " +
      "host: only for containers that hold nothing you distrust. --privileged gives more than is " +
      "needed. Podman's default filter lets these calls through; there look at the profile that was " +
      "given. In a systemd service look for RestrictNamespaces= and SystemCallFilter=.",
  },
];

/** The kernel mounts a new /proc for us only where nothing hides parts of the one that is there. */
export function adviseProc({ coveredProc }: Facts): Advice[] {
  const some = coveredProc.slice(0, 3).join(", ");
  const more = coveredProc.length > 3 ? ` and ${coveredProc.length - 3} more` : "";
  const covered = some === "" ? "" : ` Here that is ${some}${more}.`;
  return [
    {
      text:
        "Tasks see the machine's /proc, and /proc/<own pid> is not their own. Their processes end " +
        "all the same. The kernel mounts no new /proc where parts of the old one are covered, as " +
        `container engines do.${covered} To get it:`,
    },
    {
      copy: "docker run --security-opt systempaths=unconfined …\npodman run --security-opt unmask=ALL …",
    },
    {
      text:
        "Then root in the container reaches what was covered, such as /proc/sysrq-trigger. Mostly it " +
        "is not worth it.",
    },
  ];
}

/** A cgroup v2 that this user may write to. */
export function adviseCgroup(detail: string, isRoot: boolean, isV1: boolean): Advice[] {
  const use =
    "Trees are ended without. With a cgroup of our own the kernel ends them at once also where " +
    "there are no namespaces, and with its controllers it holds bounds on memory and processes hard; " +
    "now they are polled.";
  if (isV1)
    return [
      {
        text:
          `${use} On this machine the controllers belong to cgroup v1; v2 gets them when the ` +
          "machine is booted with systemd.unified_cgroup_hierarchy=1, and in a container only if " +
          "its host is.",
      },
    ];
  if (/EROFS|Read-only/.test(detail))
    return [
      {
        text:
          `${use} Here the cgroup file system is mounted read-only, as container engines do. Only ` +
          "who starts the container can change that.",
      },
    ];
  return [
    { text: `${use} Where systemd runs it hands one over, with its controllers, for one command:` },
    {
      copy: `systemd-run ${isRoot ? "" : "--user "}--scope -p Delegate=yes -- npx cofferdam …`,
    },
  ];
}

/** How to get a keeper where there is none. */
export function adviseKeeper(isRepository: boolean, hasCompiler: boolean): Advice[] {
  if (process.platform === "win32")
    return [{ text: "Cofferdam does not run on Windows itself. It does in WSL2: wsl --install" }];
  if (process.platform !== "linux")
    return [
      {
        text:
          "The keeper needs Linux. Here processes are found by process group and descent, and " +
          "nothing is verified. A Linux virtual machine or container has it.",
      },
    ];
  if (!isRepository)
    return [
      { copy: `npm install @cofferdam/keeper-linux-${process.arch}` },
      {
        text:
          "It is an optional dependency: --omit=optional and a lockfile from another platform leave " +
          "it out.",
      },
    ];
  return hasCompiler
    ? [{ copy: "npm run build" }]
    : [
        {
          text: "There is no C compiler (cc) on PATH. Install one with the kernel's headers (on Debian the packages gcc, libc6-dev and linux-libc-dev), then:",
        },
        { copy: "npm run build" },
      ];
}
