/**
 * Bounds that the kernel holds, on a real one: on this machine where its cgroup v2 has controllers
 * for us, else in a Linux that runs as a process.
 */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  runInUserModeLinux,
  userModeLinuxMissing,
} from "../../../../test/support/user-mode-linux.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const program = fileURLToPath(new URL("fixtures/hard-bounds.ts", import.meta.url));
const boundBytes = 100_000_000;

const missing = userModeLinuxMissing();
const skipped = missing === "" ? "" : ` (skipped, because ${missing})`;

/** Where a cgroup is handed over to one command, as systemd does it, and as containers have it. */
const handedOver = {
  "by systemd": `
echo "+memory +pids" > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/handed
python3 -c 'import os; os.setxattr("/sys/fs/cgroup/handed", "trusted.delegate", b"1")'
sh -c 'echo $$ > /sys/fs/cgroup/handed/cgroup.procs; exec "$@"' - $RUN
cd /sys/fs/cgroup/handed; find . -type d; cat cgroup.procs cofferdam-supervisor/cgroup.procs`,
  "to a container": `
echo "+memory +pids" > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/container
cat > /run/container <<'END'
mkdir /run/cgroup; mount -t cgroup2 cgroup /run/cgroup
umount /sys/fs/cgroup; mount --move /run/cgroup /sys/fs/cgroup
exec "$@"
END
sh -c 'echo $$ > /sys/fs/cgroup/container/cgroup.procs; exec unshare --cgroup --mount sh /run/container "$@"' - $RUN
cd /sys/fs/cgroup/container; find . -type d; cat cgroup.procs cofferdam-supervisor/cgroup.procs`,
} as const;

interface Seen {
  readonly containment: unknown;
  readonly [what: string]: unknown;
}

async function runThere(where: keyof typeof handedOver, way: string): Promise<[Seen, string]> {
  const run = `${process.execPath} --conditions=cofferdam-source ${program}`;
  const said = await runInUserModeLinux(
    `cd ${root}; export COFFERDAM_CONTAINMENT=${way}; RUN="${run}"${handedOver[where]}`,
  );
  const [line = "", ...rest] = said.split("\n");
  return [JSON.parse(line) as Seen, rest.join("\n")];
}

describe.skipIf(missing !== "")(`bounds that the kernel holds${skipped}`, () => {
  it.each([
    ["by systemd", "namespace"],
    ["to a container", "subreaper"],
  ] as const)("of a cgroup handed over %s, under %s", async (where, way) => {
    const [seen, rest] = await runThere(where, way === "namespace" ? "" : way);
    expect(seen.containment).toMatchObject({
      tree: way,
      memory: "hard",
      pids: "hard",
      cgroup: "task",
    });
    const overMemory = {
      outcome: "memory",
      code: "MEMORY",
      signal: "SIGKILL",
      peakMemoryBytes: { method: "exact" },
      left: 0,
    };
    for (const name of ["large", "family", "shared"]) {
      expect(seen[name], name).toMatchObject(overMemory);
      const { value } = (seen[name] as { peakMemoryBytes: { value: number } }).peakMemoryBytes;
      expect(value, name).toBeLessThanOrEqual(boundBytes);
      expect(value, name).toBeGreaterThan(boundBytes * 0.9);
    }
    expect(seen["small"]).toMatchObject({ outcome: "ok", peakMemoryBytes: { method: "exact" } });
    expect(seen["unbounded"]).toMatchObject({ outcome: "ok" });
    expect(seen["forks"]).toMatchObject({ outcome: "failed", code: "PROCESSES", left: 0 });
    expect(seen["left"]).toBe(0);
    // Nothing of the run is left: only the leaf for who supervises, and nobody in it any more.
    expect(rest).toBe(".\n./cofferdam-supervisor\n");
  });
});
