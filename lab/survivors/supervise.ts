// The program that runs a task by way of a Node library, so that the library has a process of its
// own, and that process can be killed: node supervise.ts ADAPTER DEADLINE_MS|never COMMAND…
import type { NodeAdapter } from "./adapter.ts";
import { adapters } from "./adapters/index.ts";

const [name = "", deadline = "", ...task] = process.argv.slice(2);
const adapter = adapters.find((candidate) => candidate.name === name);
if (adapter === undefined || !("run" in adapter)) {
  throw new Error(`no adapter ${name} that runs in Node`);
}
await (adapter as NodeAdapter).run(task, deadline === "never" ? null : Number(deadline));
