/**
 * Another Linux, as a process (user-mode Linux): a kernel of its own with all controllers in cgroup
 * v2, for what the machine of the test does not hand out. It sees this machine's files, read-only.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const kernel = process.env["COFFERDAM_TEST_UML"] ?? "linux.uml";

/** Why it cannot run here; empty when it can. */
export function userModeLinuxMissing(): string {
  if (spawnSync(kernel, ["--version"], { stdio: "ignore" }).status === 0) return "";
  return "there is no user-mode Linux (Debian: apt-get install user-mode-linux)";
}

const marks = { begin: "==BEGIN==", end: "==END==" };

/** Runs a shell script as root in a fresh one, and resolves with what it printed. */
export async function runInUserModeLinux(script: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "uml-"));
  try {
    const init = join(folder, "init");
    writeFileSync(init, prelude(script), { mode: 0o755 });
    const args = ["mem=1200M", "rootfstype=hostfs", "rootflags=/", "ro", `init=${init}`];
    const consoles = ["con=null", "con0=fd:0,fd:1", "quiet", "loglevel=0"];
    const child = spawn(kernel, [...args, ...consoles, `uml_dir=${folder}/`, "umid=uml"], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, TMPDIR: folder, NODE_OPTIONS: "" },
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    await once(child, "close");
    const said = new RegExp(`${marks.begin}\r?\n([^]*)${marks.end}`).exec(text)?.[1];
    if (said === undefined) throw new Error(`user-mode Linux did not come to its end: ${text}`);
    return said.replaceAll("\r", "");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function prelude(script: string): string {
  return `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
mkdir -p /dev/shm
mount -t tmpfs -o mode=1777 tmp /dev/shm
mount -t tmpfs -o mode=1777 tmp /run
export TMPDIR=/run PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
echo ${marks.begin}
${script}
echo ${marks.end}
echo o > /proc/sysrq-trigger
while :; do sleep 1; done
`;
}
