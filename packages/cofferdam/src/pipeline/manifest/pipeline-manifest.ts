import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Stamp } from "../files/stamp.ts";
import { openDatabase } from "./open-database.ts";
import { itemState, manifestVersion, schema, type ItemState } from "./schema.ts";

/** What is known of an item. */
export interface ItemRow {
  /** What the item is called within its stage: its input's path, or its line or group. */
  readonly key: string;
  readonly state: ItemState;
  /** Relative to the pipeline's folder. */
  readonly output: string | null;
  /** What it was made by when it was last done or failed; see `recipe`. */
  readonly recipe: number | null;
  /** What it was made from then. */
  readonly stamp: Stamp | null;
  readonly hash: string | null;
}

/** A stage's items by how they stand. */
export interface StateCounts {
  readonly discovered: number;
  readonly done: number;
  readonly failed: number;
  readonly quarantined: number;
  readonly pending: number;
}

const columns = "key, state, output, recipe, stamp, hash";

/** The memory of a pipeline: a row an item, in SQLite. One writer at a time, by the run's lock. */
export class PipelineManifest implements Disposable {
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #setState: StatementSync;
  readonly #setStamp: StatementSync;
  readonly #plan: StatementSync;
  readonly #record: StatementSync;
  readonly #remove: StatementSync;
  readonly #pendingAfter: StatementSync;
  readonly #addOutput: StatementSync;
  readonly #setDetails: StatementSync;
  readonly #removeDetails: StatementSync;
  readonly #holders: StatementSync;
  readonly #outputs: StatementSync;
  readonly #recipes = new Map<number, string>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    this.#find = prepare(`SELECT ${columns} FROM items WHERE stage = ? AND key = ?`);
    this.#insert = prepare("INSERT INTO items (stage, key, state, output) VALUES (?, ?, ?, ?)");
    this.#setState = prepare("UPDATE items SET state = ? WHERE stage = ? AND key = ?");
    this.#setStamp = prepare("UPDATE items SET stamp = ? WHERE stage = ? AND key = ?");
    this.#plan = prepare("UPDATE items SET state = ?, output = ? WHERE stage = ? AND key = ?");
    this.#record = prepare(
      "UPDATE items SET state = ?, recipe = ?, stamp = ?, hash = ? WHERE stage = ? AND key = ?",
    );
    this.#remove = prepare("DELETE FROM items WHERE stage = ? AND key = ?");
    this.#pendingAfter = prepare(
      `SELECT ${columns} FROM items WHERE stage = ? AND key > ? AND state = ${itemState.pending} ORDER BY key LIMIT ?`,
    );
    this.#addOutput = prepare("INSERT OR IGNORE INTO outputs (stage, key, path) VALUES (?, ?, ?)");
    this.#setDetails = prepare(
      "INSERT OR REPLACE INTO details (stage, key, text) VALUES (?, ?, ?)",
    );
    this.#removeDetails = prepare("DELETE FROM details WHERE stage = ? AND key = ?");
    this.#outputs = prepare("SELECT path FROM outputs WHERE stage = ? AND key = ? ORDER BY path");
    this.#holders = prepare("SELECT key FROM items WHERE stage = ? AND output = ? ORDER BY key");
  }

  /** Rejects with `MANIFEST_DAMAGED` for a file that cannot be read as a manifest. */
  static async open(file: string): Promise<PipelineManifest> {
    return new PipelineManifest(await openDatabase(file, manifestVersion, schema));
  }

  stageId(name: string): number {
    this.#database.prepare("INSERT OR IGNORE INTO stages (name) VALUES (?)").run(name);
    return this.findStage(name) ?? 0;
  }

  /** Null for a stage that was never planned. */
  findStage(name: string): number | null {
    const row = this.#database.prepare("SELECT id FROM stages WHERE name = ?").get(name);
    return row ? Number(row["id"]) : null;
  }

  /** Takes away the items of stages that the pipeline no longer has. */
  keepStages(ids: readonly number[]): void {
    const kept = ids.join(", ");
    for (const table of ["items", "outputs", "members", "details"])
      this.#database.exec(`DELETE FROM ${table} WHERE stage NOT IN (${kept})`);
    this.#database.exec(`DELETE FROM stages WHERE id NOT IN (${kept})`);
  }

  /** A short name for a recipe. */
  recipeId(text: string): number {
    this.#database.prepare("INSERT OR IGNORE INTO recipes (text) VALUES (?)").run(text);
    const row = this.#database.prepare("SELECT id FROM recipes WHERE text = ?").get(text);
    return Number(row?.["id"]);
  }

  recipe(id: number): string {
    const known = this.#recipes.get(id);
    if (known !== undefined) return known;
    const row = this.#database.prepare("SELECT text FROM recipes WHERE id = ?").get(id);
    const text = String(row?.["text"] ?? "{}");
    this.#recipes.set(id, text);
    return text;
  }

  find(stage: number, key: string): ItemRow | null {
    return (this.#find.get(stage, key) as unknown as ItemRow | undefined) ?? null;
  }

  /**
   * All items of a stage, by key in the order of their UTF-8 bytes. What is changed before the place
   * of the reader while it reads does not disturb it. The row that it stands on may be removed, but
   * not changed: SQLite finds its place again by the whole row, and gives one that has become larger
   * a second time.
   */
  items(stage: number): Iterator<ItemRow> {
    const all = this.#database.prepare(`SELECT ${columns} FROM items WHERE stage = ? ORDER BY key`);
    return all.iterate(stage) as unknown as Iterator<ItemRow>;
  }

  /** The names of all items of a stage, in the same order. */
  *keys(stage: number): Generator<string> {
    const rows = this.#database
      .prepare("SELECT key FROM items WHERE stage = ? ORDER BY key")
      .iterate(stage);
    for (const row of rows) yield row["key"] as string;
  }

  /** The next pending items, a page at a time. */
  pendingAfter(stage: number, key: string, limit: number): ItemRow[] {
    return this.#pendingAfter.all(stage, key, limit) as unknown as ItemRow[];
  }

  insert(stage: number, key: string, state: ItemState, output: string | null): void {
    this.#insert.run(stage, key, state, output);
  }

  /** Sets what is to become of a known item. */
  plan(stage: number, key: string, state: ItemState, output: string | null): void {
    this.#plan.run(state, output, stage, key);
  }

  setState(stage: number, key: string, state: ItemState): void {
    this.#setState.run(state, stage, key);
  }

  /** Takes what is pending from those that a run finds to do; it is still counted as pending. */
  holdBack(stage: number): void {
    this.#database
      .prepare("UPDATE items SET state = ? WHERE stage = ? AND state = ?")
      .run(itemState.queued, stage, itemState.pending);
  }

  /** For an item that is not to be tried. `details` says why. */
  refuse(stage: number, key: string, details: unknown): void {
    this.setState(stage, key, itemState.failed);
    this.#setDetails.run(stage, key, JSON.stringify(details));
  }

  /** For an input whose content turned out to be the same. */
  setStamp(stage: number, key: string, stamp: Stamp): void {
    this.#setStamp.run(stamp, stage, key);
  }

  record(
    stage: number,
    key: string,
    end: { state: ItemState; recipe: number; stamp: Stamp | null; hash: string | null },
    details: unknown,
  ): void {
    this.#record.run(end.state, end.recipe, end.stamp, end.hash, stage, key);
    if (details === null) this.#removeDetails.run(stage, key);
    else this.#setDetails.run(stage, key, JSON.stringify(details));
  }

  /** What was kept about an item's last end. */
  details(stage: number, key: string): unknown {
    const row = this.#database
      .prepare("SELECT text FROM details WHERE stage = ? AND key = ?")
      .get(stage, key);
    return row ? JSON.parse(String(row["text"])) : null;
  }

  remove(stage: number, key: string): void {
    this.#remove.run(stage, key);
    this.#removeDetails.run(stage, key);
    this.#database.prepare("DELETE FROM outputs WHERE stage = ? AND key = ?").run(stage, key);
    this.#database.prepare("DELETE FROM members WHERE stage = ? AND key = ?").run(stage, key);
  }

  /** The files in an item's output folder. */
  outputs(stage: number, key: string): string[] {
    const rows = this.#outputs.all(stage, key);
    return rows.map((row) => String(row["path"]));
  }

  setOutputs(stage: number, key: string, paths: readonly string[]): void {
    this.#database.prepare("DELETE FROM outputs WHERE stage = ? AND key = ?").run(stage, key);
    for (const path of paths) this.#addOutput.run(stage, key, path);
  }

  /** What each group of a gathering stage is made from. */
  clearMembers(stage: number): void {
    this.#database.prepare("DELETE FROM members WHERE stage = ?").run(stage);
  }

  addMember(stage: number, group: string, path: string): void {
    this.#database
      .prepare("INSERT OR IGNORE INTO members (stage, key, path) VALUES (?, ?, ?)")
      .run(stage, group, path);
  }

  *members(stage: number, group: string): Generator<string> {
    const rows = this.#database
      .prepare("SELECT path FROM members WHERE stage = ? AND key = ? ORDER BY path")
      .iterate(stage, group);
    for (const row of rows) yield String(row["path"]);
  }

  groups(stage: number): string[] {
    const rows = this.#database
      .prepare("SELECT DISTINCT key FROM members WHERE stage = ? ORDER BY key")
      .all(stage);
    return rows.map((row) => String(row["key"]));
  }

  /** The first output that two different items claim. Its memory does not grow with their number. */
  collision(
    claims: Iterable<readonly [holder: string, output: string]>,
  ): { output: string; holders: readonly [string, string] } | null {
    // A table cannot be dropped while something is read.
    this.#database.exec(
      "CREATE TEMP TABLE IF NOT EXISTS claims (output TEXT PRIMARY KEY, holder TEXT NOT NULL) STRICT, WITHOUT ROWID",
    );
    const claim = this.#database.prepare(
      "INSERT OR IGNORE INTO claims (output, holder) VALUES (?, ?)",
    );
    const find = this.#database.prepare("SELECT holder FROM claims WHERE output = ?");
    try {
      for (const [holder, output] of claims) {
        if (claim.run(output, holder).changes === 1) continue;
        const other = String(find.get(output)?.["holder"]);
        if (other !== holder) return { output, holders: [other, holder] };
      }
      return null;
    } finally {
      this.#database.exec("DELETE FROM claims");
    }
  }

  /** Only for pipelines that ask for `holders`: it costs time with every item. */
  indexOutputs(): void {
    this.#database.exec("CREATE INDEX IF NOT EXISTS items_by_output ON items (stage, output)");
  }

  /** The items of a stage that have that output. */
  holders(stage: number, output: string): string[] {
    const rows = this.#holders.all(stage, output);
    return rows.map((row) => String(row["key"]));
  }

  counts(stage: number): StateCounts {
    const rows = this.#database
      .prepare("SELECT state, count(*) AS count FROM items WHERE stage = ? GROUP BY state")
      .all(stage);
    const of = (...states: readonly number[]): number =>
      rows
        .filter((row) => states.includes(Number(row["state"])))
        .reduce((sum, row) => sum + Number(row["count"]), 0);
    return {
      discovered: rows.reduce((sum, row) => sum + Number(row["count"]), 0),
      done: of(itemState.done),
      failed: of(itemState.failed),
      quarantined: of(itemState.quarantined),
      pending: of(itemState.pending, itemState.queued),
    };
  }

  /** Items that failed or are in quarantine. */
  *failed(stage: number): Generator<ItemRow> {
    const rows = this.#database
      .prepare(
        `SELECT ${columns} FROM items WHERE stage = ? AND state IN (${itemState.failed}, ${itemState.quarantined}) ORDER BY key`,
      )
      .iterate(stage);
    for (const row of rows) yield row as unknown as ItemRow;
  }

  runStarted(): number {
    const { lastInsertRowid } = this.#database
      .prepare("INSERT INTO runs (started_at) VALUES (?)")
      .run(Date.now());
    return Number(lastInsertRowid);
  }

  runEnded(id: number, outcome: string): void {
    this.#database
      .prepare("UPDATE runs SET ended_at = ?, outcome = ? WHERE id = ?")
      .run(Date.now(), outcome, id);
  }

  lastRun(): { startedAtMs: number; endedAtMs: number | null; outcome: string | null } | null {
    const row = this.#database.prepare("SELECT * FROM runs ORDER BY id DESC LIMIT 1").get();
    if (!row) return null;
    const { started_at: started, ended_at: ended, outcome } = row;
    return {
      startedAtMs: Number(started),
      endedAtMs: ended === null ? null : Number(ended),
      outcome: typeof outcome === "string" ? outcome : null,
    };
  }

  begin(): void {
    this.#database.exec("BEGIN IMMEDIATE");
  }

  commit(): void {
    this.#database.exec("COMMIT");
  }

  /** Where the disk is full SQLite may have done it already. */
  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
