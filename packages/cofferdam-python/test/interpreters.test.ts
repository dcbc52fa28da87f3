/** The same worker under each Python that is there. */
import { describe, expect, it } from "vitest";
import { needsPython } from "./support/interpreters.ts";
import { nested } from "./support/nested.ts";
import { failureOf, usePools } from "./support/pools.ts";

const pools = usePools();

describe.each(["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"].map(needsPython))(
  "$name",
  ({ interpreter }) => {
    it.skipIf(interpreter === null)("runs, fails, crashes and is cancelled as any", async () => {
      await using tasks = pools.open("tasks.py", { interpreter: interpreter ?? "" });
      expect(await tasks.run("add_later", 1, 2)).toBe(3);
      const { remote } = await failureOf(tasks.run("raise_chained"));
      expect(remote).toMatchObject({ name: "RuntimeError", message: "it was not there" });
      const counts = Array.from({ length: 500 }, (_, index) => tasks.run("add", index, 1));
      expect(await Promise.all(counts)).toEqual(counts.map((_, index) => index + 1));

      await using values = pools.open("values.py", { interpreter: interpreter ?? "" });
      expect(await values.run("echo", Float32Array.of(1, 2))).toEqual(Float32Array.of(1, 2));
      const { value, beside } = nested();
      expect(await values.run("along", value)).toEqual(beside);
      expect(await failureOf(values.run("not_serializable", "set"))).toMatchObject({
        code: "NOT_SERIALIZABLE",
      });

      await using crashes = pools.open("crashes.py", { interpreter: interpreter ?? "" });
      expect(await failureOf(crashes.run("segfault"))).toMatchObject({ code: "CRASH" });
      const late = failureOf(crashes.runWith({ timeout: "500ms" }, "spin"));
      expect(await late).toMatchObject({ code: "TIMEOUT" });
    });
  },
);
