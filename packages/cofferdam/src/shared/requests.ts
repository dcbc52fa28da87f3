import { CofferdamError } from "../errors/index.ts";
import type { ServiceRequest } from "../worker/service.ts";

/** A request as an object: whoever sends another value is refused. */
export function asRequest(request: unknown): ServiceRequest {
  if (typeof request === "object" && request !== null) return request as ServiceRequest;
  throw new CofferdamError("INVALID_ARGUMENT", "a request to a service is an object with an `op`");
}

/** The fields of a request, checked: it comes from a program that may not be ours. */
export function textField(request: ServiceRequest, name: string): string {
  const value = request[name];
  if (typeof value === "string") return value;
  throw refuseField(request, name, "text");
}

export function countField(request: ServiceRequest, name: string): number {
  const value = request[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw refuseField(request, name, "a whole number, 0 or more");
}

export function numberField(request: ServiceRequest, name: string): number {
  const value = request[name];
  if (typeof value === "number" && value >= 0) return value;
  throw refuseField(request, name, "a number, 0 or more");
}

export function bytesField(request: ServiceRequest, name: string): Uint8Array {
  const value = request[name];
  if (value instanceof Uint8Array) return value;
  throw refuseField(request, name, "binary data");
}

export function refuseOperation(request: ServiceRequest, known: string): CofferdamError {
  return new CofferdamError(
    "INVALID_ARGUMENT",
    `there is no request ${JSON.stringify(request["op"])}: there are ${known}`,
  );
}

function refuseField(request: ServiceRequest, name: string, wanted: string): CofferdamError {
  return new CofferdamError(
    "INVALID_ARGUMENT",
    `the request ${String(request["op"])} needs \`${name}\`, ${wanted}`,
  );
}
