import type { LeaseHolder, WorkerService } from "../../src/scope/index.ts";
import type { Ask, ServiceAnswer } from "../../src/worker/service.ts";
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
    return travel((await service.handle(travel(request), holder, signal)) as ServiceAnswer);
  };
}

function travel<Value>(value: Value): Value {
  const { json, parts } = encodeValue(value);
  return decodeValue(JSON.parse(JSON.stringify(json)), parts) as Value;
}

const holders = new Map<string, LeaseHolder>();

/** One task of one worker: the same object for the same numbers. */
export function holderOf(worker: number, task = 1): LeaseHolder {
  const name = `${worker} ${task}`;
  const holder = holders.get(name) ?? { worker, task };
  holders.set(name, holder);
  return holder;
}
