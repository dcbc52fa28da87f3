const longMs = 2 ** 30;

/** Keeps this program from ending for want of anything to do, until the work is done. */
export async function keepAlive<Value>(work: Promise<Value>): Promise<Value> {
  const timer = setInterval(() => undefined, longMs);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
