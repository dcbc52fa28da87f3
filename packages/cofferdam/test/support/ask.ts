import type { LeaseHolder, WorkerService } from "../../src/shared/index.ts";
import type { Ask } from "../../src/worker/service.ts";
import { decodeValue, encodeValue } from "../../src/worker/values.ts";

/** A worker's way to its parent's services, without a worker: values travel as they would. */
export function askIn(
  services: ReadonlyMap<string, WorkerService>,
  holder: LeaseHolder,
  signal: AbortSignal = new AbortController().signal,
): Ask {
  return async (name, request) => {
    const service = services.get(name);
    if (!service) throw new Error(`there is no service ${name}`);
    const answer = await service.handle(travel(request), holder, signal);
    return travel(answer);
  };
}

function travel<Value>(value: Value): Value {
  const { json, parts } = encodeValue(value);
  return decodeValue(JSON.parse(JSON.stringify(json)), parts) as Value;
}
