/**
 * Every code that an error of Cofferdam can carry, in one place. `docs/reference/errors.md` lists
 * the same set (a test compares them). A retired code is never used again for something else.
 */
export const errorCodes = {
  // How a task ended.
  TIMEOUT: "The task was still running at its deadline and was ended.",
  MEMORY: "The task's processes together used more memory than their bound and were killed.",
  PROCESSES: "The task had more processes than its bound and was killed.",
  EXIT: "The command ended with a non-zero exit code.",
  SIGNAL: "The command was ended by a signal that Cofferdam did not send.",
  CRASH: "A worker ended before it gave its result.",
  CANCELLED: "The caller cancelled the task, or its scope closed.",
  KEEPER_LOST: "The keeper process died; the task's processes died with it.",
  STUCK: "The kernel does not let a process of the task die (uninterruptible sleep).",
  LEAK: "The task left processes or objects behind, and the caller asked for that to be an error.",
  // Starting.
  SPAWN: "The command could not be started.",
  WORKER_START: "A worker could not load its module or did not start.",
  KEEPER_START: "The keeper process could not be started.",
  CONTAINMENT_UNAVAILABLE:
    "The containment that the caller requires cannot be had on this machine.",
  UNSUPPORTED_PLATFORM: "Cofferdam does not run on this platform.",
  TOOL_UNAVAILABLE:
    "A program that the work needs is not installed, or not in a version that is known.",
  // Pools.
  TASK_FAILED: "The worker's function threw.",
  UNKNOWN_FUNCTION: "The worker's module has no function of that name.",
  NOT_SERIALIZABLE: "An argument or a result cannot be sent to another process.",
  PROTOCOL: "A worker sent something that is not the worker protocol.",
  CLOSED: "The scope or pool is closed.",
  // What workers share.
  OVER_LIMIT: "A call asks for more units than its limiter ever allows.",
  QUEUE_FULL: "Too many calls wait for a limiter already.",
  LIMITER_UNUSABLE: "The file of a limiter that processes share cannot be opened or written.",
  CACHE_UNUSABLE: "The file of a cache cannot be opened or written.",
  // Input and files.
  INVALID_ARGUMENT: "An argument is not acceptable.",
  CONFIG: "A pipeline's definition is not acceptable.",
  INPUT: "An item's input is gone, cannot be read, or changed while it was worked on.",
  NO_OUTPUT: "An item's work ended well, but its output is not there.",
  LOCKED: "Another run is using the same output folder, manifest or joblog.",
  MANIFEST_DAMAGED: "The manifest of earlier results cannot be read.",
  OUTPUT: "A result could not be written.",
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof errorCodes;
