import { describe, expect, test } from "vitest";
import { findTables } from "../../../src/embedded/blocks/tables.ts";
import type { Segment } from "../../../src/embedded/model.ts";
import { lines, segment } from "../helpers/shapes.ts";

const row = (y: number, ...cells: readonly string[]): Segment[] =>
  cells.flatMap((text, column) => (text === "" ? [] : [segment(text, 50 + 120 * column, y)]));

describe("tables", () => {
  test("are found by their columns", () => {
    const found = findTables(
      lines(
        ...row(100, "Season", "Closings"),
        ...row(114, "Winter", "71"),
        ...row(128, "Spring", "29"),
      ),
    );
    expect(found).toEqual([
      {
        from: 0,
        to: 3,
        rows: [
          ["Season", "Closings"],
          ["Winter", "71"],
          ["Spring", "29"],
        ],
      },
    ]);
  });

  test("keep an empty cell empty", () => {
    const found = findTables(
      lines(...row(100, "A", "B", "C"), ...row(114, "1", "", "3"), ...row(128, "4", "5", "6")),
    );
    expect(found[0]?.rows[1]).toEqual(["1", "", "3"]);
  });

  test("take the second line of a wrapped cell into its row", () => {
    const found = findTables(
      lines(
        ...row(100, "Time", "Work"),
        ...row(120, "Noon", "Start both"),
        ...row(131, "", "pumps"),
        ...row(151, "Six", "Wedge"),
      ),
    );
    expect(found[0]?.rows).toEqual([
      ["Time", "Work"],
      ["Noon", "Start both pumps"],
      ["Six", "Wedge"],
    ]);
  });

  test("lists, contents and prose are none", () => {
    const bullets = [100, 112, 124].flatMap((y) => [
      segment("•", 50, y),
      segment("one of several things", 70, y),
    ]);
    const contents = [100, 112, 124].flatMap((y) => [
      segment("Chapter ..........", 50, y),
      segment("12", 300, y),
    ]);
    const prose = [100, 112, 124].map((y) => segment("a line of prose and nothing more", 50, y));
    for (const each of [bullets, contents, prose]) expect(findTables(lines(...each))).toEqual([]);
  });
});
