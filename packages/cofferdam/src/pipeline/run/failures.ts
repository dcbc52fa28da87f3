import { hash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { FailureCause } from "../config/index.ts";
import { moveTree } from "../files/mounts.ts";
import { quoteCommand } from "../joblog/quote.ts";

/** What is kept of an item that failed: in the manifest, and as `item.json` in its folder. */
export interface FailureRecord {
  readonly stage: string;
  readonly item: string;
  readonly code: string;
  readonly cause: FailureCause;
  readonly message: string;
  readonly attempts: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly peakMemoryBytes: number | null;
  readonly durationMs: number;
  readonly at: string;
  /** The words of the command; null for a function. */
  readonly command: readonly string[] | null;
  readonly module: string | null;
  /** Names only: a value may be a secret. */
  readonly environment: readonly string[];
  readonly limits: { readonly timeoutMs: number | null; readonly memoryBytes: number | null };
  /** To look into; null when too many items failed to keep one for each. */
  readonly folder: string | null;
}

/** Of one run: more folders than this nobody looks into, and they cost time and space. */
const foldersMax = 1_000;

/** The folders of failed items, below the pipeline's state folder. */
export class FailureFolders {
  readonly #path: string;
  readonly #hasOld: boolean;
  #made = 0;

  constructor(path: string) {
    this.#path = path;
    this.#hasOld = existsSync(path);
  }

  folderOf(stage: string, item: string): string {
    const readable = basename(item)
      .replace(/[^\w.-]+/g, "_")
      .slice(0, 60);
    return join(this.#path, stage, `${readable}-${hash("sha256", item).slice(0, 8)}`);
  }

  /** Keeps what there is; gives the record with its folder in it. Never throws. */
  keep(
    record: Omit<FailureRecord, "folder">,
    said: { readonly stdout: string; readonly stderr: string },
    unfinished: string | null,
  ): FailureRecord {
    if (++this.#made > foldersMax) return { ...record, folder: null };
    const folder = this.folderOf(record.stage, record.item);
    const kept = { ...record, folder };
    try {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "item.json"), `${JSON.stringify(kept, null, 2)}\n`);
      writeFileSync(join(folder, "stderr.txt"), said.stderr);
      if (said.stdout !== "") writeFileSync(join(folder, "stdout.txt"), said.stdout, "latin1");
      if (record.command)
        writeFileSync(join(folder, "command.txt"), `${quoteCommand(record.command)}\n`);
      if (unfinished !== null) moveTree(unfinished, join(folder, "unfinished"));
      return kept;
    } catch {
      return { ...record, folder: null }; // a full disk: the manifest has the record
    }
  }

  /** The item is well now. */
  forget(stage: string, item: string): void {
    if (!this.#hasOld && this.#made === 0) return;
    rmSync(this.folderOf(stage, item), { recursive: true, force: true });
  }
}
