/** The keeper's own memory under valgrind: no error, nothing lost, at the end of an ordinary life. */
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runFolder } from "../../lab/census/index.ts";
import { buildForValgrind, compiler, has } from "./support/build.ts";
import { KeeperProcess } from "./support/keeper-process.ts";
import { cause, frame, reply, request, start, stdio, tag } from "./support/wire.ts";

const canRun = process.platform === "linux" && has(compiler, "--version") && has("valgrind", "-h");
const enoent = 2;

it.skipIf(!canRun)("leaks nothing and reads nothing it has not written", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "v-"));
  const log = join(folder, "valgrind.log");
  const keeper = new KeeperProcess(buildForValgrind(folder), runFolder(), {
    // Inits and commands are clones of the keeper: whatever valgrind says of them is not the
    // keeper's memory, and they leave by _exit with all of it still held.
    wrapper: [
      "valgrind",
      "--tool=memcheck",
      "--trace-children=no",
      "--child-silent-after-fork=yes",
      "--leak-check=full",
      "--show-leak-kinds=definite,indirect,possible",
      "--errors-for-leak-kinds=definite,indirect,possible",
      "--track-fds=no",
      "--error-exitcode=99",
      `--log-file=${log}`,
    ],
  });
  await keeper.ready();
  if (!keeper.contains) {
    await keeper.close();
    context.skip();
  }

  const pipes = Uint8Array.of(stdio.pipe, stdio.pipe, stdio.pipe);
  const plain = await keeper.run(
    start(
      1,
      ["/bin/true"],
      [
        [tag.stdio, pipes],
        [tag.cwd, "/"],
        [tag.cwd, "/tmp"],
      ],
    ),
  );
  expect(plain.number(tag.status)).toBe(0);
  const code = await keeper.run(start(2, ["/bin/sh", "-c", "exit 3"]));
  expect(code.number(tag.status)).toBe(3 << 8);
  const exec = await keeper.run(start(3, ["/nowhere/at/all"], [[tag.stdio, pipes]]));
  expect([exec.text(tag.stage), exec.number(tag.errno)]).toEqual(["exec", enoent]);
  const cwd = await keeper.run(start(4, ["/bin/true"], [[tag.cwd, "/nowhere"]]));
  expect([cwd.text(tag.stage), cwd.number(tag.errno)]).toEqual(["cwd", enoent]);
  const late = await keeper.run(start(5, ["/bin/sleep", "600"], [[tag.timeout, 50]]));
  expect(late.number(tag.cause)).toBe(cause.timeout);
  const socket = await keeper.run(start(6, ["/bin/true"], [[tag.socket, "/nowhere/s"]]));
  expect([socket.type, socket.text(tag.stage)]).toEqual([reply.refused, "socket"]);
  const request22 = await keeper.run(start(7, ["a\0b"], [[tag.cwd, "/"]]));
  expect(request22.type).toBe(reply.refused);
  const leaking = await keeper.run(start(8, ["/bin/sh", "-c", "sleep 600 & sleep 600 & exit 0"]));
  expect(leaking.number(tag.killed)).toBe(2);

  // A scratch folder with something in it, which a child of the keeper removes.
  const scratch = join(keeper.hello?.text(tag.path) ?? "", "t9");
  const full = await keeper.run(
    start(
      9,
      ["/bin/sh", "-c", `mkdir ${scratch}/a && echo x >${scratch}/a/b`],
      [[tag.scratch, ""]],
    ),
  );
  expect(full.number(tag.status)).toBe(0);
  expect(existsSync(scratch)).toBe(false);

  const stopped = keeper.next(({ task, type }) => task === 10 && type === reply.ended);
  await keeper.send(start(10, ["/bin/sleep", "600"]));
  await keeper.send(frame(request.deadline, 10, [[tag.timeout, 600_000]]));
  await keeper.send(frame(request.stop, 10, [[tag.grace, 20_000]]));
  expect((await stopped).number(tag.cause)).toBe(cause.stopped);

  const exit = await keeper.close();
  const report = readFileSync(log, "utf8");
  expect(report).toContain("ERROR SUMMARY: 0 errors");
  expect(exit, report).toMatchObject({ code: 0, signal: null });
});
