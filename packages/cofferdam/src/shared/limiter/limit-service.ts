import { CofferdamError } from "../../errors/index.ts";
import type { LeaseHolder, WorkerService } from "../../scope/index.ts";
import type { ServiceAnswer, ServiceRequest } from "../../worker/service.ts";
import { Held } from "../held.ts";
import { asRequest, countField, numberField, refuseOperation, textField } from "../requests.ts";
import type { Limiter, LimiterPermit } from "./limiter.ts";

/** A permit that a worker holds, or waits for. */
interface Wanted {
  readonly abort: AbortController;
  permit: LimiterPermit | undefined;
}

/** Permits for workers: each is bound to the worker and task that asked for it. */
export class LimitService implements WorkerService {
  readonly #find: (name: string) => Limiter;
  readonly #held = new Held<Wanted>();

  constructor(find: (name: string) => Limiter) {
    this.#find = find;
  }

  async handle(asked: unknown, holder: LeaseHolder, signal: AbortSignal): Promise<ServiceAnswer> {
    const request = asRequest(asked);
    if (request["op"] === "acquire") await this.#acquire(request, holder, signal);
    else this.#change(request, holder);
    return {};
  }

  release(holder: LeaseHolder): void {
    for (const { abort, permit } of this.#held.takeAll(holder)) {
      if (permit) permit.drop();
      else abort.abort();
    }
  }

  async #acquire(request: ServiceRequest, holder: LeaseHolder, signal: AbortSignal): Promise<void> {
    const limiter = this.#find(textField(request, "name"));
    const number = countField(request, "permit");
    if (this.#held.get(holder, number))
      throw new CofferdamError("INVALID_ARGUMENT", `permit ${number} is in use: number each anew`);
    const abort = new AbortController();
    const wanted: Wanted = { abort, permit: undefined };
    const onAbort = (): void => abort.abort(signal.reason);
    this.#held.set(holder, number, wanted);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const permit = await limiter.acquire({
        units: countField(request, "units"),
        group: holder.worker,
        signal: abort.signal,
      });
      // Given up while it was given: nobody will make the call.
      if (abort.signal.aborted) permit.withdraw();
      else wanted.permit = permit;
    } finally {
      signal.removeEventListener("abort", onAbort);
      if (!wanted.permit) this.#held.take(holder, number);
    }
  }

  #change(request: ServiceRequest, holder: LeaseHolder): void {
    const number = countField(request, "permit");
    switch (request["op"]) {
      case "cancel": {
        const wanted = this.#held.take(holder, number);
        if (wanted?.permit) wanted.permit.withdraw();
        else wanted?.abort.abort();
        break;
      }
      case "used": {
        const units = countField(request, "units");
        this.#held.get(holder, number)?.permit?.used(units);
        break;
      }
      case "pause": {
        const ms = "ms" in request ? numberField(request, "ms") : undefined;
        this.#held.get(holder, number)?.permit?.retryAfter(ms);
        break;
      }
      case "release":
        this.#held.take(holder, number)?.permit?.release();
        break;
      default:
        throw refuseOperation(request, "acquire, cancel, used, pause, release");
    }
  }
}
