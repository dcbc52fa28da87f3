import type { Adapter } from "../adapter.ts";
import { childProcess } from "./child-process.ts";
import { cofferdam } from "./cofferdam.ts";

/** All peers, in the order of the table. A new one is a file in this folder and a line here. */
export const adapters: readonly Adapter[] = [childProcess, cofferdam];
