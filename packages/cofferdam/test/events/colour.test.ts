import { expect, it } from "vitest";
import { createPaint, wantsColour } from "../../src/events/index.ts";

it.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ TERM: "dumb" }, true, false],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{ FORCE_COLOR: "false" }, true, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1", TERM: "dumb" }, false, true],
])("with %j, terminal %s: %s", (env, isTTY, expected) => {
  expect(wantsColour(env, isTTY)).toBe(expected);
});

it("colours, or leaves text alone", () => {
  expect(createPaint(true)("red", "x")).toBe("\u001b[31mx\u001b[39m");
  expect(createPaint(false)("red", "x")).toBe("x");
});
