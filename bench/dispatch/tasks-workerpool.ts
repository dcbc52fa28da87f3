import workerpool from "workerpool";
import { echo, noop, take } from "./tasks.ts";

workerpool.worker({ noop, echo, take });
