/** The program of a stage that has a process of its own: a request on 0, an answer on 1. */
import { text } from "node:stream/consumers";
import { errorCode, errorMessage, listenForInterrupts } from "cofferdam";
import { preprocess } from "../segments/preprocess.ts";
import { stage } from "../stage/stage.ts";
import type { StageResult } from "../running/stage-result.ts";
import type { StageAnswer, StageRequest } from "./stage-process.ts";

const request = JSON.parse(await text(process.stdin)) as StageRequest;
using interrupts = listenForInterrupts();
const answer = await run(request, interrupts.signal);
process.stdout.write(`${JSON.stringify(answer)}\n`);

async function run(request: StageRequest, signal: AbortSignal): Promise<StageAnswer> {
  try {
    return { result: await runStage(request, signal) };
  } catch (error) {
    return { error: { code: errorCode(error) ?? "TASK_FAILED", message: errorMessage(error) } };
  }
}

function runStage(request: StageRequest, signal: AbortSignal): Promise<StageResult> {
  return request.kind === "stage"
    ? stage({ ...request.options, signal })
    : preprocess({ ...request.options, signal });
}
