/** Preloaded: a worker that opens a file whose path ends like `DIE_OF` dies of it. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { openSync } = fs;
const deadly = process.env["DIE_OF"] ?? "";
const isWorker = /\/worker\/[^/]+$/.test(process.argv[1] ?? "");
fs.openSync = (path, ...how) => {
  if (isWorker && deadly !== "" && String(path).endsWith(deadly))
    process.kill(process.pid, "SIGKILL");
  return openSync(path, ...how);
};
syncBuiltinESMExports();
