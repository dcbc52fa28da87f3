import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { nodeAdapter } from "../adapter.ts";

/** The part of the library's interface that the experiment needs. */
interface Library {
  readonly openScope: () => Promise<Scope>;
}

interface Scope extends AsyncDisposable {
  exec(
    command: readonly string[],
    options: { timeout?: string; grace: string; reject: false },
  ): Promise<unknown>;
}

export const cofferdam = nodeAdapter({
  name: "cofferdam",
  title: "Cofferdam",
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
    const library = "cofferdam" as string; // Resolved when it runs: the experiment works without it.
    const { openScope } = (await import(library)) as Library;
    await using scope = await openScope();
    await scope.exec([...task], {
      ...(deadlineMs === null ? {} : { timeout: `${deadlineMs}ms` }),
      grace: "100ms",
      reject: false,
    });
  },
});
