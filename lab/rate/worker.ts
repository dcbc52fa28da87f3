import { Agent, request } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { currentTask } from "cofferdam";

/** What a server with a limit has seen. */
export interface Served {
  readonly refused: number;
  /** When each request was accepted, in milliseconds. */
  readonly acceptedAt: Float64Array;
}

/**
 * Serves until so many requests were accepted; refuses (429) what is above the limit in the window
 * that ends with the request. Sends its port first.
 */
export async function serve(limit: number, windowMs: number, until: number): Promise<Served> {
  const acceptedAt = new Float64Array(until);
  let accepted = 0;
  let first = 0;
  let refused = 0;
  const { promise: done, resolve } = Promise.withResolvers<undefined>();
  const server = createServer((_, response) => {
    const now = performance.now();
    while (first < accepted && (acceptedAt[first] ?? 0) <= now - windowMs) first++;
    const room = accepted - first < limit;
    if (room) acceptedAt[accepted++] = now;
    else refused++;
    response.writeHead(room ? 200 : 429).end();
    if (accepted === until) resolve(undefined);
  });
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const task = currentTask();
  task.send((server.address() as AddressInfo).port);
  await done;
  await new Promise((closed) => {
    server.close(closed);
    server.closeIdleConnections();
  });
  return { refused, acceptedAt };
}

/** Makes so many calls that succeed, some at once, a permit each. Gives how many were refused. */
export async function call(port: number, times: number, atOnce: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let left = times;
  let refused = 0;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left--;
      await using permit = await currentTask().limit("server");
      if ((await statusOf(port, agent)) === 200) continue;
      refused++;
      left++;
      permit.retryAfter();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  agent.destroy();
  return refused;
}

function statusOf(port: number, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", agent }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode ?? 0));
    })
      .once("error", reject)
      .end();
  });
}
