import { readText } from "./processes.ts";

/** A mount of our own mount namespace. */
export interface Mount {
  readonly id: number;
  readonly path: string;
  readonly type: string;
  readonly options: string;
}

export function listMounts(): Mount[] {
  return parseMounts(readText("/proc/self/mountinfo") ?? "");
}

/** The optional fields before the lone dash vary in number (proc(5), mountinfo). */
export function parseMounts(text: string): Mount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [left = "", right = ""] = line.split(" - ");
      const fields = left.split(" ");
      const [type = "", , superOptions = ""] = right.split(" ");
      return {
        id: Number(fields[0]),
        path: unescapePath(fields[4] ?? ""),
        type,
        options: `${fields[5] ?? ""},${superOptions}`,
      };
    });
}

export function mountsOfType(mounts: readonly Mount[], type: string): Mount[] {
  return mounts.filter((mount) => mount.type === type);
}

/** Blanks, tabs, line ends and backslashes are written in octal. */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
