/**
 * The first module of a Node worker. In the package this file holds all that a worker loads, and the
 * library imports from it what they have in common: to a worker each file is a third of a millisecond.
 */
import { ModuleWorker } from "./module-worker.ts";

if (import.meta.main) new ModuleWorker().start();
