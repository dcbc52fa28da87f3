/**
 * Runs command lines of `cofferdam`, one after the other, in this one process: to start Node for
 * each would take most of the time. Takes them as JSON, and prints what each said and its exit code.
 */
import { main } from "../../../../packages/cofferdam/src/cli/main.ts";

const lines = JSON.parse(process.argv[2] ?? "[]") as readonly (readonly string[])[];
const print = process.stdout.write.bind(process.stdout);
const said = { stdout: "", stderr: "" };
for (const name of ["stdout", "stderr"] as const) {
  process[name].setMaxListeners(0);
  process[name].write = (text: string | Uint8Array): boolean => {
    said[name] += String(text);
    return true;
  };
}
const ended: unknown[] = [];
for (const line of lines) {
  Object.assign(said, { stdout: "", stderr: "" });
  process.exitCode = 0;
  await main(line);
  ended.push({ ...said, code: process.exitCode });
}
process.exitCode = 0;
print(JSON.stringify(ended));
