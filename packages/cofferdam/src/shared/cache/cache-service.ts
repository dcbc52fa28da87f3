import { CofferdamError } from "../../errors/index.ts";
import type { LeaseHolder, WorkerService } from "../../scope/index.ts";
import type { ServiceAnswer, ServiceRequest } from "../../worker/service.ts";
import { Held } from "../held.ts";
import { asRequest, bytesField, countField, refuseOperation, textField } from "../requests.ts";
import type { Cache } from "./cache.ts";
import type { Claim } from "./flights.ts";

/** A claim that a worker has, or waits for. */
interface Wanted {
  readonly abort: AbortController;
  claim: Claim | undefined;
}

const keyBytes = 32;

/** Caches for workers: who computes a value is bound to the worker and task that does. */
export class CacheService implements WorkerService {
  readonly #find: (name: string) => Cache;
  readonly #held = new Held<Wanted>();

  constructor(find: (name: string) => Cache) {
    this.#find = find;
  }

  async handle(asked: unknown, holder: LeaseHolder, signal: AbortSignal): Promise<ServiceAnswer> {
    const request = asRequest(asked);
    switch (request["op"]) {
      case "open": {
        const { version, store } = this.#cache(request);
        return { version, file: store.file };
      }
      case "get": {
        const value = this.#cache(request).store.read(keyField(request));
        return value ? { value } : {};
      }
      case "set":
        await this.#cache(request).store.write(keyField(request), bytesField(request, "value"));
        return {};
      case "touch":
        this.#touch(request);
        return {};
      case "claim":
        return this.#claim(request, holder, signal);
      case "put": {
        const claim = this.#take(request, holder)?.claim;
        // A worker that has computed needs no more; whether it could be kept, a notice has told.
        await claim?.put(bytesField(request, "value")).catch(() => undefined);
        return {};
      }
      case "fail":
        this.#take(request, holder)?.claim?.fail(
          new CofferdamError("TASK_FAILED", textField(request, "message")),
        );
        return {};
      case "cancel":
        letGo(this.#take(request, holder));
        return {};
      default:
        throw refuseOperation(request, "open, get, set, touch, claim, put, fail, cancel");
    }
  }

  release(holder: LeaseHolder): void {
    for (const wanted of this.#held.takeAll(holder)) letGo(wanted);
  }

  async #claim(
    request: ServiceRequest,
    holder: LeaseHolder,
    signal: AbortSignal,
  ): Promise<ServiceAnswer> {
    const { flights, store } = this.#cache(request);
    const key = keyField(request);
    const number = countField(request, "claim");
    if (this.#held.get(holder, number))
      throw new CofferdamError("INVALID_ARGUMENT", `claim ${number} is in use: number each anew`);
    const abort = new AbortController();
    const wanted: Wanted = { abort, claim: undefined };
    const onAbort = (): void => abort.abort(signal.reason);
    this.#held.set(holder, number, wanted);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const { value, claim } = await flights.join(key, abort.signal);
      if (value) return { value, file: store.file };
      // Given up while it was given: another shall compute.
      if (abort.signal.aborted) claim.abandon();
      else wanted.claim = claim;
      return { compute: true, file: store.file };
    } finally {
      signal.removeEventListener("abort", onAbort);
      if (!wanted.claim) this.#held.take(holder, number);
    }
  }

  #touch(request: ServiceRequest): void {
    const { store } = this.#cache(request);
    const keys = bytesField(request, "keys");
    for (let at = 0; at + keyBytes <= keys.length; at += keyBytes)
      store.touch(keys.slice(at, at + keyBytes));
  }

  #take(request: ServiceRequest, holder: LeaseHolder): Wanted | undefined {
    return this.#held.take(holder, countField(request, "claim"));
  }

  #cache(request: ServiceRequest): Cache {
    return this.#find(textField(request, "name"));
  }
}

function letGo(wanted: Wanted | undefined): void {
  if (wanted?.claim) wanted.claim.abandon();
  else wanted?.abort.abort();
}

function keyField(request: ServiceRequest): Uint8Array {
  const key = bytesField(request, "key");
  if (key.length === keyBytes) return key;
  throw new CofferdamError("INVALID_ARGUMENT", `a key is ${keyBytes} bytes, not ${key.length}`);
}
