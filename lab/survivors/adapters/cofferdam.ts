import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { nodeAdapter } from "../adapter.ts";
import { nodeLibrary } from "../node-library.ts";

export const cofferdam = nodeAdapter({
  name: "cofferdam",
  title: "Cofferdam",
  version: nodeLibrary("cofferdam").version,
  available: async () => {
    const check = `const { openScope } = await import("cofferdam"); await using _ = await openScope();`;
    try {
      await promisify(execFile)(
        process.execPath,
        ["--conditions=cofferdam-source", "--input-type=module", "--eval", check],
        { cwd: fileURLToPath(new URL("../../..", import.meta.url)) },
      );
      return null;
    } catch (error) {
      const { stderr = "" } = error as { stderr?: string };
      return /^\w*Error.*$/m.exec(stderr)?.[0] ?? String(error);
    }
  },
  run: async (task, deadlineMs) => {
    // Loaded late: the experiment's list of peers must not depend on one of them.
    const { openScope } = await import("cofferdam");
    await using scope = await openScope();
    await scope.exec([...task], {
      ...(deadlineMs === null ? {} : { timeout: `${deadlineMs}ms` }),
      grace: "100ms",
      reject: false,
    });
  },
});
