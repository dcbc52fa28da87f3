import { expect, it } from "vitest";
import type { PipelineManifest } from "../../src/pipeline/manifest/index.ts";
import { Committer } from "../../src/pipeline/run/committer.ts";

/** Says what is done to it, and refuses what SQLite refuses. */
class Journal {
  readonly entries: string[] = [];
  #open = false;

  begin(): void {
    if (this.#open) throw new Error("cannot start a transaction within a transaction");
    this.#open = true;
    this.entries.push("begin");
  }

  commit(): void {
    this.#open = false;
    this.entries.push("commit");
  }

  rollback(): void {
    this.#open = false;
    this.entries.push("rollback");
  }
}

it("keeps apart what is planned in a transaction and what is committed meanwhile", async () => {
  const journal = new Journal();
  const committer = new Committer(journal as unknown as PipelineManifest);
  const { promise: planned, resolve: plan } = Promise.withResolvers<string>();
  const item = (name: string): Promise<void> =>
    committer.commit({ move: null, record: () => journal.entries.push(name) });
  const before = item("before");
  const gathering = committer.alone(() => planned);
  await before;
  while (journal.entries.length < 4) await new Promise((resolve) => setImmediate(resolve));
  const meanwhile = [item("one"), item("other")];
  const failing = committer.alone(() => Promise.reject(new Error("no plan")));
  const told = expect(failing).rejects.toThrow("no plan");
  await new Promise((resolve) => setImmediate(resolve));
  plan("a plan");
  expect(await gathering).toBe("a plan");
  await Promise.all(meanwhile);
  await told;
  await item("after");
  const batch = (...names: string[]): string[] => ["begin", ...names, "commit"];
  expect(journal.entries).toEqual([
    ...batch("before"),
    ...batch(),
    ...batch("one", "other"),
    ...["begin", "rollback"],
    ...batch("after"),
  ]);
});
