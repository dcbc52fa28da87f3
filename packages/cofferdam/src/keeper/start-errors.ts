import { CofferdamError, errorMessage } from "../errors/index.ts";
import { errnoName } from "./process-end.ts";
import { tag, type Fields } from "./wire.ts";

export function tooLong(bytes: number): CofferdamError {
  return new CofferdamError(
    "SPAWN",
    `the command's arguments and environment together are too long (${bytes} bytes; E2BIG)`,
  );
}

export function unreachablePipes(error: unknown): CofferdamError {
  return new CofferdamError(
    "SPAWN",
    `the pipes of the command could not be opened (${errorMessage(error)}); it was ended. With EMFILE, raise \`ulimit -n\`; otherwise /proc must show this process's own processes`,
  );
}

export function lostKeeper(): CofferdamError {
  return new CofferdamError("KEEPER_LOST", "the keeper died");
}

export function refusal(fields: Fields): CofferdamError {
  const code = errnoName(fields.number(tag.errno) ?? 0);
  const stage = fields.text(tag.stage) ?? "start";
  return new CofferdamError("SPAWN", `the keeper could not start a process (${stage}: ${code})`);
}
