// The script of workerpool's worker: it names the functions that the pool may call.
import workerpool from "workerpool";
import runCommand from "./pool-task.ts";

workerpool.worker({ runCommand });
