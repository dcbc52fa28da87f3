/** What calls have really used, told again and again: in memory and in a file that processes share. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseBounds } from "../../src/shared/index.ts";
import { MemoryLedger, type LeaseBook, type Ledger } from "../../src/shared/limiter/ledger.ts";
import { SharedLedger } from "../../src/shared/limiter/shared-ledger.ts";

const bounds = parseBounds({ units: ["100/s", "150/3s"], transit: 200 });

const step = fc.record({
  which: fc.nat(2),
  do: fc.constantFrom("used" as const, "used" as const, "used" as const, "end", "drop"),
  units: fc.nat(100),
  waitMs: fc.nat(400),
  failsFirst: fc.boolean(),
});

it("are the same in both, for all processes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const folder = mkdtempSync(join(tmpdir(), "used-"));
      let now = 1000;
      const clock = { now: () => now, wall: () => now, boot: "the only one" };
      const holding = new SharedLedger(folder, bounds, clock);
      const looking = new SharedLedger(folder, bounds, clock);
      const memory = new MemoryLedger(bounds, () => now);
      try {
        const permits = [5, 10, 20].map((units) => ({
          shared: run(holding, (book) => book.grant(units, now)),
          alone: run(memory, (book) => book.grant(units, now)),
          over: false,
        }));
        for (const { which, do: what, units, waitMs, failsFirst } of steps) {
          now += waitMs;
          const permit = permits[which];
          if (!permit || permit.over) continue; // a limiter refuses that
          permit.over = what !== "used";
          const change = (book: LeaseBook, id: number): void =>
            what === "used" ? book.correct(id, units, now) : book[what](id, now);
          if (failsFirst)
            expect(() =>
              holding.transact(({ book }) => {
                change(book, permit.shared);
                throw new Error("undone");
              }),
            ).toThrow("undone");
          for (const [ledger, id] of [
            [holding, permit.shared],
            [memory, permit.alone],
          ] as const)
            ledger.transact(({ book }) => {
              change(book, id);
              return 0;
            });
          const expected = rooms(memory, now);
          expect(rooms(holding, now)).toEqual(expected);
          expect(rooms(looking, now)).toEqual(expected);
          // Who comes now finds the same.
          using late = new SharedLedger(folder, bounds, clock);
          expect(rooms(late, now)).toEqual(expected);
        }
      } finally {
        holding[Symbol.dispose]();
        looking[Symbol.dispose]();
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 40, seed: 1 },
  );
});

function run<Value>(ledger: Ledger, work: (book: LeaseBook) => Value): Value {
  const values: Value[] = [];
  ledger.transact(({ book }) => {
    values.push(work(book));
    return 0;
  });
  const [value] = values;
  if (value === undefined) throw new Error("nobody else is at it, and it was not run");
  return value;
}

/** When there is room for so many units; what is not in the future is now. */
function rooms(ledger: Ledger, now: number): number[] {
  return [1, 30, 60, 90].map((units) =>
    run(ledger, (book) => Math.max(now, book.earliest(units, now))),
  );
}
