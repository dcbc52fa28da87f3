/** The peer of the documents benchmark: converts what it is sent, one after the other. */
import { convert } from "../apps/documents/src/convert-worker.ts";

process.on("message", (paths: readonly string[]) => {
  void (async () => {
    // What fails fails in both; it is the time that is compared.
    for (const path of paths) await convert(path, {}).catch(() => undefined);
    process.send?.("done");
  })();
});
