import { expect, it } from "vitest";
import { openScope } from "cofferdam";
import { childrenOf } from "../../../../test/support/processes.ts";

it("hears a signal that is aborted while it opens", async () => {
  const controller = new AbortController();
  const opening = openScope({ signal: controller.signal });
  controller.abort();
  await using scope = await opening;
  await expect(scope.exec(["sleep", "600"])).rejects.toMatchObject({ code: "CANCELLED" });
});

it("starts no keeper where its budget is refused", async () => {
  const before = childrenOf(process.pid).length;
  await expect(openScope({ budget: { cpus: 0 } })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(childrenOf(process.pid)).toHaveLength(before);
});
