import type { Adapter } from "../adapter.ts";
import { childProcess } from "./child-process.ts";
import { cofferdam } from "./cofferdam.ts";
import { execa, execaGraceful } from "./execa.ts";
import { parallel } from "./parallel.ts";
import { piscina } from "./piscina.ts";
import { loky, processPool, subprocess } from "./python.ts";
import { tinypool } from "./tinypool.ts";
import { workerpool } from "./workerpool.ts";

/** All peers, in the order of the table. A new one is a file in this folder and a line here. */
export const adapters: readonly Adapter[] = [
  childProcess,
  execa,
  execaGraceful,
  tinypool,
  piscina,
  workerpool,
  subprocess,
  processPool,
  loky,
  parallel,
  cofferdam,
];
