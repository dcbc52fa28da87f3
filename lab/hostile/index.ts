export {
  HOSTILE_COUNT,
  HOSTILE_KINDS,
  HOSTILE_TASK,
  type HostileKind,
  hostileKind,
} from "./kinds.ts";
