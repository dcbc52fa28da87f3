import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** A server that refuses (429) what is above its limit in any window that ends with the request. */
export class LimitedServer implements AsyncDisposable {
  readonly port: number;
  refused = 0;
  /** When each request was accepted, in milliseconds of `performance.now()`. */
  readonly acceptedAt: number[] = [];
  readonly #server: Server;
  #first = 0;

  static async listen(limit: number, windowMs: number): Promise<LimitedServer> {
    const server = createServer((_, response) => {
      response.writeHead(limited.#accept(limit, windowMs) ? 200 : 429).end();
    });
    server.keepAliveTimeout = 120_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const limited = new LimitedServer(server);
    return limited;
  }

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  #accept(limit: number, windowMs: number): boolean {
    const now = performance.now();
    while ((this.acceptedAt[this.#first] ?? Infinity) <= now - windowMs) this.#first++;
    if (this.acceptedAt.length - this.#first >= limit) {
      this.refused++;
      return false;
    }
    this.acceptedAt.push(now);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
