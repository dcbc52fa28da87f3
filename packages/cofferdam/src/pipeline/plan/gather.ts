import { createHash } from "node:crypto";
import { join } from "node:path";
import { hashContent, stampOf, type Stamp } from "../files/stamp.ts";

/** Many files as one input: its stamp from their stamps, its hash from their contents. */
export function digestGroup(
  folder: string,
  paths: readonly string[],
): { stamp: Stamp; hash: () => Promise<string> } {
  const stamps = createHash("sha256");
  for (const path of paths) stamps.update(`${path}\0${stampOf(join(folder, path)) ?? "gone"}\0`);
  return {
    stamp: stamps.digest("hex"),
    hash: async () => {
      const contents = createHash("sha256");
      for (const path of paths) {
        const full = join(folder, path);
        const stamp = stampOf(full);
        contents.update(`${path}\0${stamp === null ? "gone" : await hashContent(full, stamp)}\0`);
      }
      return contents.digest("hex");
    },
  };
}
