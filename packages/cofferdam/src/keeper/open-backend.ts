import type { TreeContainment } from "../events/index.ts";
import { CofferdamError } from "../errors/index.ts";
import type { Backend } from "./backend.ts";
import { locateKeeper, missingKeeper } from "./locate.ts";
import { NativeBackend } from "./native-backend.ts";
import { groupRunNames, runsDirectory } from "./run-directory.ts";

/** Weakest first. */
const strength: readonly TreeContainment[] = ["group", "subreaper", "namespace"];

interface Shared {
  readonly backend: Promise<Backend>;
  users: number;
}

let shared: Shared | undefined;

/**
 * The backend of this process, started on first use. Each call needs one `release`; with the last
 * one everything ends, the keeper too. `release` resolves with the number of processes left.
 */
export async function acquireBackend(
  required: TreeContainment | undefined,
): Promise<{ backend: Backend; release: () => Promise<number> }> {
  refuseUnsupported();
  if (required !== undefined && !strength.includes(required))
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `containment is ${JSON.stringify(required)}; it can be ${strength.join(", ")}`,
    );
  const mine = (shared ??= { backend: openBackend(), users: 0 });
  mine.users++;
  const release = async (): Promise<number> => {
    if (--mine.users > 0) return 0;
    if (shared === mine) shared = undefined;
    return (await mine.backend).close();
  };
  let backend: Backend;
  try {
    backend = await mine.backend;
  } catch (error) {
    mine.users--;
    if (shared === mine) shared = undefined;
    throw error;
  }
  const { tree } = backend.containment;
  if (required && strength.indexOf(tree) < strength.indexOf(required)) {
    await release();
    throw new CofferdamError(
      "CONTAINMENT_UNAVAILABLE",
      `containment \`${required}\` is required and only \`${tree}\` can be had here: ${backend.shortfall}`,
    );
  }
  return { backend, release };
}

/** Finds the strongest way by trying it. `COFFERDAM_CONTAINMENT` forces a weaker one. */
async function openBackend(): Promise<Backend> {
  const base = runsDirectory();
  const forced = process.env["COFFERDAM_CONTAINMENT"] ?? "";
  if (forced === "group") return openGroup(base, "COFFERDAM_CONTAINMENT asks for it");
  if (forced !== "" && !strength.includes(forced as TreeContainment))
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `COFFERDAM_CONTAINMENT is ${JSON.stringify(forced)}; it can be ${strength.join(", ")}`,
    );
  const binary = process.platform === "linux" ? locateKeeper() : null;
  if (binary === null) {
    const why = process.platform === "linux" ? missingKeeper() : "the keeper needs Linux";
    return openGroup(base, why);
  }
  const backend = await NativeBackend.open(binary, base);
  // The keeper has swept the runs of keepers; those that were without one are swept here.
  if (groupRunNames(base).length > 0) {
    const { sweepDeadRuns } = await import("./group/group-ledger.ts");
    await sweepDeadRuns(base);
  }
  return backend;
}

async function openGroup(base: string, why: string): Promise<Backend> {
  const { GroupBackend } = await import("./group/group-backend.ts");
  return GroupBackend.open(base, why);
}

function refuseUnsupported(): void {
  if (process.platform === "win32")
    throw new CofferdamError(
      "UNSUPPORTED_PLATFORM",
      "Cofferdam does not run on Windows itself; it does in WSL2 (https://learn.microsoft.com/windows/wsl/install)",
    );
}
