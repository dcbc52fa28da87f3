import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { identityOf, sharedMemoryFolder } from "./object-lists.ts";

/** The identities of the objects with a name that a process has open or mapped, as far as we may see. */
export async function heldBy(pid: number): Promise<string[]> {
  const [mapped, open] = await Promise.all([readMapped(pid), readOpen(pid)]);
  return [...mapped, ...open];
}

async function readMapped(pid: number): Promise<string[]> {
  const lines = await readFile(`/proc/${pid}/maps`, "latin1").then(
    (text) => text.split("\n"),
    () => [], // ended, or another user's
  );
  return lines.flatMap((line) => {
    if (!line.includes(` ${sharedMemoryFolder}/`)) return [];
    const [, , , device = "", inode = ""] = line.split(/\s+/);
    const [major = 0, minor = 0] = device.split(":").map((part) => Number.parseInt(part, 16));
    return [identityOf(deviceNumber(major, minor), Number(inode))];
  });
}

/** As `stat` gives it: the low byte of the minor number, the major, the rest of the minor. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 2 ** 8 + (minor >>> 8) * 2 ** 20;
}

async function readOpen(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const held: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const path = `${folder}/${name}`;
    try {
      if (!mayBeObject(await readlink(path))) continue;
      const status = await stat(path);
      if (status.isFile()) held.push(identityOf(status.dev, status.ino));
    } catch {
      // Closed meanwhile.
    }
  }
  return held;
}

/** A queue shows as `/name`, wherever its file system is mounted. */
function mayBeObject(link: string): boolean {
  return link.startsWith(`${sharedMemoryFolder}/`) || /^\/[^/]+$/.test(link);
}
