import { CofferdamError, type FileItem, type OutputFolder } from "cofferdam";
import type { MadeFiles } from "../made-files.ts";
import { documentId } from "../store/identity.ts";
import { toChunks, type Chunk } from "./chunks.ts";

/** What `<name>.chunks.json` holds. Sizes and positions are characters. */
export interface ChunkFile {
  readonly schema: 1;
  readonly document_id: string;
  readonly original_filename: string;
  /** SHA-256 of the PDF, in hex. */
  readonly content_hash: string;
  /** Null where nobody could count them. */
  readonly page_count: number | null;
  readonly chunks: readonly Chunk[];
}

export function makeChunkFile(
  marked: string,
  filename: string,
  contentHash: string,
  pages: number | null,
): ChunkFile {
  const id = documentId(contentHash, filename);
  return {
    schema: 1,
    document_id: id,
    original_filename: filename,
    content_hash: contentHash,
    page_count: pages,
    chunks: toChunks(marked, { id, name: filename }),
  };
}

/** The same content under another name. */
export function renameChunkFile(file: ChunkFile, filename: string): ChunkFile {
  const id = documentId(file.content_hash, filename);
  return {
    ...file,
    document_id: id,
    original_filename: filename,
    chunks: file.chunks.map((chunk) => ({
      ...chunk,
      id: `${id}_chunk_${chunk.chunk_index}`,
      source_info: { ...chunk.source_info, document_id: id, document_name: filename },
    })),
  };
}

/** The files of chunks in an output folder, beside the Markdown. Each has a name of its own. */
export class ChunkFiles {
  readonly #folder: OutputFolder;
  readonly #made: MadeFiles;
  readonly #force: boolean;

  constructor(folder: OutputFolder, made: MadeFiles, force: boolean) {
    this.#folder = folder;
    this.#made = made;
    this.#force = force;
  }

  async exists(item: FileItem): Promise<boolean> {
    return this.#folder.has(this.#plan(item).output);
  }

  /** Rejects with `OUTPUT` where a file of somebody else has the name. */
  async check(item: FileItem): Promise<void> {
    const { output, written } = this.#plan(item);
    if (written || this.#force || !(await this.#folder.has(output))) return;
    throw new CofferdamError(
      "OUTPUT",
      `${output} is there already and was not written by an earlier run; move it away, or use --force to write over it`,
    );
  }

  async write(item: FileItem, file: ChunkFile): Promise<void> {
    const { output } = this.#plan(item);
    this.#folder.manifest.markWritten(keyOf(item));
    const content = `${JSON.stringify(file, null, 2)}\n`;
    this.#made.record(output, content);
    await this.#folder.write(output, content);
  }

  /** Null where it is not what a run wrote. */
  async read(item: FileItem): Promise<ChunkFile | null> {
    const text = await this.#made.read(this.#plan(item).output);
    return text === null ? null : (JSON.parse(text) as ChunkFile);
  }

  /** Its row in the manifest: the Markdown's name decides, which no other item has. */
  #plan(item: FileItem): { output: string; written: boolean } {
    const { manifest } = this.#folder;
    const row = manifest.find(keyOf(item));
    if (row) return row;
    const markdown = manifest.find(item.path)?.output ?? item.output;
    const output = markdown.replace(/\.md$/u, ".chunks.json");
    manifest.plan(keyOf(item), output);
    return { output, written: false };
  }
}

function keyOf(item: FileItem): string {
  return `chunks of ${item.path}`;
}
