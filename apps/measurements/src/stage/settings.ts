import type { Procedures } from "../procedures/procedures.ts";

/** What shapes a staged file beside the file it is made from. Goes to the workers as it is. */
export interface StageSettings {
  readonly stageRoot: string;
  readonly procedures: Procedures;
  readonly localTz: string;
  /** Leaves out columns that the procedure does not declare. */
  readonly onlyYamlData: boolean;
}
