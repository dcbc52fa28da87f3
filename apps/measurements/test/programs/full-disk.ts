/** Preloaded: in a worker, the disk is full for the file with the number `FULL_AT`, and from then on. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { writeFileSync } = fs;
const isWorker = /\/worker\/[^/]+$/.test(process.argv[1] ?? "");
let left = Number(process.env["FULL_AT"]);
fs.writeFileSync = (...args) => {
  if (isWorker && --left <= 0)
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  writeFileSync(...args);
};
syncBuiltinESMExports();
