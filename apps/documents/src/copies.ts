import { stat } from "node:fs/promises";
import { hashFile, type FileItem } from "cofferdam";

/**
 * Which items have the same content as another, which comes first in the list. Only files of the
 * same size are read. A file that cannot be read is nobody's copy here, and fails in its turn.
 */
export async function findCopies(items: readonly FileItem[]): Promise<Map<string, FileItem>> {
  const bySize = new Map<number, FileItem[]>();
  for (const item of items) {
    const size = await sizeOf(item.path);
    if (size > 0) bySize.set(size, [...(bySize.get(size) ?? []), item]);
  }
  const copies = new Map<string, FileItem>();
  for (const group of bySize.values()) {
    if (group.length < 2) continue;
    const firsts = new Map<string, FileItem>();
    for (const item of group) {
      const hash = await hashFile(item.path).catch(() => null);
      const first = hash === null ? undefined : firsts.get(hash);
      if (first) copies.set(item.path, first);
      else if (hash !== null) firsts.set(hash, item);
    }
  }
  return copies;
}

/** 0 for what is not there, too. */
async function sizeOf(path: string): Promise<number> {
  try {
    const status = await stat(path);
    return status.isFile() ? status.size : 0;
  } catch {
    return 0;
  }
}
