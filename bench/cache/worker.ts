import { currentTask } from "cofferdam";

/** What one process has measured of itself. */
export interface Reads {
  readonly perSecond: number;
  /** CPU time of a read, in microseconds. */
  readonly cpuUs: number;
}

/** Reads values that are there. */
export async function readHits(reads: number, keys: number): Promise<Reads> {
  const cache = currentTask().cache<Uint8Array>("bench");
  for (let read = 0; read < keys; read++) await cache.get({ model: "m", text: `text ${read}` });
  const meter = startMeter(reads);
  for (let read = 0; read < reads; read++) {
    const value = await cache.get({ model: "m", text: `text ${(read * 7919) % keys}` });
    if (!value) throw new Error("a value is missing");
  }
  return meter();
}

/** The same, each read asked of the parent over the socket, as a worker in another language may. */
export async function askHits(reads: number, hashes: Uint8Array): Promise<Reads> {
  const task = currentTask();
  const keys = Array.from({ length: hashes.length / 32 }, (_, key) =>
    hashes.slice(key * 32, key * 32 + 32),
  );
  const meter = startMeter(reads);
  for (let read = 0; read < reads; read++) {
    const key = keys[(read * 7919) % keys.length];
    const { value } = (await task.call("cache", { op: "get", name: "bench", key })) as {
      value?: Uint8Array;
    };
    if (!value) throw new Error("a value is missing");
  }
  return meter();
}

function startMeter(reads: number): () => Reads {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return {
      perSecond: reads / ((performance.now() - start) / 1000),
      cpuUs: (user + system) / reads,
    };
  };
}
