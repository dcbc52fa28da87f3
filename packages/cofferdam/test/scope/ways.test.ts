/** What is the same whichever way a task is contained in. */
import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openScope, TaskError, type Scope } from "cofferdam";
import { until } from "../../../../test/support/processes.ts";

describe.each(["", "subreaper", "group"])("a command (COFFERDAM_CONTAINMENT=%s)", (way) => {
  let scope: Scope;

  beforeEach(async () => {
    vi.stubEnv("COFFERDAM_CONTAINMENT", way);
    scope = await openScope();
  });

  afterEach(async () => {
    expect((await scope.close()).processes.left).toBe(0);
    vi.unstubAllEnvs();
  });

  it("has ended well also when it is cancelled while one looks for what it left", async () => {
    const controller = new AbortController();
    const { promise: pid, resolve } = Promise.withResolvers<number>();
    const running = scope.exec(["sh", "-c", "sleep 600 & exit 0"], {
      signal: controller.signal,
      onStart: (command) => resolve(command.pid),
    });
    const path = `/proc/${await pid}`;
    await until(() => !existsSync(path));
    controller.abort();
    expect(await running).toMatchObject({ outcome: "ok", exitCode: 0, leaks: [{ name: "sleep" }] });
  });

  it("is given a grace of weeks", async () => {
    const controller = new AbortController();
    const error: unknown = await scope
      .exec(
        [
          "sh",
          "-c",
          "trap 'sleep 0.3; echo tidy; exit 0' TERM; echo on; while :; do sleep 0.1; done",
        ],
        {
          grace: "30d",
          signal: controller.signal,
          onOutput: () => controller.abort(),
        },
      )
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({ code: "CANCELLED", stdout: "on\ntidy\n" });
  });

  it("is not started in a folder that is not there, and one is told so", async () => {
    await expect(scope.exec(["true"], { cwd: "/nowhere" })).rejects.toMatchObject({
      startFailure: { stage: "cwd", code: "ENOENT" },
      message: expect.stringContaining("working directory") as string,
    });
  });
});
