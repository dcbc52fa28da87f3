import { once } from "node:events";
import { closeSync, openSync, readSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import { tag, type Field } from "./wire.ts";

const tokenLength = 32;
/** Bytes of a path that fit into a socket's address on every system. */
const addressMax = 100;

/** A channel that a worker is about to open. */
export interface ExpectedChannel {
  /** What START says of it. */
  readonly fields: readonly Field[];
  readonly socket: Promise<Socket>;
  /** The worker was not started. */
  forget(): void;
}

/**
 * The sockets on which workers speak with us. The first one's is there when the keeper is, so that a
 * first task waits for no listening. For another the keeper connects to a listening socket in the
 * run's private folder (0700), and writes a token that only it and we know. Either way it hands its
 * end to the worker as descriptor 3.
 */
export class Channels {
  readonly #path: string;
  #first: Socket | undefined;
  #listening: Promise<ListeningSocket> | undefined;

  /** `first`: its other end is the keeper's. */
  constructor(path: string, first: Socket) {
    this.#path = path;
    // Its end is told by its worker's end.
    this.#first = first.unref().on("error", () => undefined);
  }

  /** Rejects when nothing can listen at the path. */
  async expect(): Promise<ExpectedChannel> {
    const first = this.#first;
    if (first) {
      this.#first = undefined;
      const socket = Promise.resolve(first.ref());
      return { fields: [[tag.firstChannel, ""]], socket, forget: () => first.destroy() };
    }
    this.#listening ??= ListeningSocket.open(this.#path);
    return (await this.#listening).expect();
  }

  close(): void {
    this.#first?.destroy();
    this.#listening?.then(
      (socket) => socket.close(),
      () => undefined,
    );
  }
}

class ListeningSocket {
  readonly #path: string;
  readonly #server: Server;
  /** The socket's folder, held open where its path is too long for an address. */
  readonly #folder: number | undefined;
  readonly #expected = new Map<string, (socket: Socket) => void>();

  private constructor(path: string, server: Server, folder: number | undefined) {
    this.#path = path;
    this.#server = server;
    this.#folder = folder;
    server.on("connection", (socket) => this.#identify(socket));
    server.unref();
  }

  static async open(path: string): Promise<ListeningSocket> {
    const server = createServer();
    // A run inside a task inside a task: the folder by a descriptor, which is shorter.
    const folder = path.length > addressMax ? openSync(dirname(path), "r") : undefined;
    server.listen(folder === undefined ? path : `/proc/self/fd/${folder}/${basename(path)}`);
    await once(server, "listening");
    return new ListeningSocket(path, server, folder);
  }

  /** A fresh token, and the socket that will show it. */
  expect(): ExpectedChannel {
    const token = randomToken();
    const key = token.toString("hex");
    const socket = new Promise<Socket>((resolve) => this.#expected.set(key, resolve));
    return {
      fields: [
        [tag.socket, this.#path],
        [tag.token, token],
      ],
      socket,
      forget: () => void this.#expected.delete(key),
    };
  }

  close(): void {
    const folder = this.#folder;
    this.#server.close(() => {
      if (folder !== undefined) closeSync(folder);
    });
  }

  #identify(socket: Socket): void {
    const onReadable = (): void => {
      const token = socket.read(tokenLength) as Buffer | null;
      if (token === null) return;
      socket.off("readable", onReadable);
      const key = token.toString("hex");
      const claim = this.#expected.get(key);
      this.#expected.delete(key);
      if (claim) claim(socket);
      else socket.destroy();
    };
    // Also after it was claimed: its worker's end is told otherwise.
    socket.on("error", () => void socket.destroy());
    socket.on("readable", onReadable);
  }
}

/** From the kernel itself: loading `node:crypto` takes longer than all else before a first task. */
function randomToken(): Buffer {
  const token = Buffer.alloc(tokenLength);
  const source = openSync("/dev/urandom", "r");
  try {
    if (readSync(source, token) < tokenLength) throw new Error("/dev/urandom gave too little");
  } finally {
    closeSync(source);
  }
  return token;
}
