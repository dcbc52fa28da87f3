/**
 * What a worker asks of its parent while a task runs: plain values, with typed arrays as binary
 * parts. `docs/reference/services.md` lists every request.
 */
export type ServiceRequest = Readonly<Record<string, unknown>>;
export type ServiceAnswer = Readonly<Record<string, unknown>>;

/** Sends a request to a service of the parent. Rejects with the parent's error, code included. */
export type Ask = (service: string, request: ServiceRequest) => Promise<ServiceAnswer>;
