/**
 * - `ok`: it works, or is as it should be.
 * - `failed`: it was tried and does not work.
 * - `weak`: it works less well than it could, or something else takes its place.
 * - `unknown`: it cannot be found out here.
 */
export type CheckState = "ok" | "failed" | "weak" | "unknown";

/** `applications`: what the installed applications say of themselves. */
export type CheckSection = "containment" | "machine" | "limits" | "runs" | "applications";

/** One thing that was looked at. */
export interface Check {
  readonly section: CheckSection;
  readonly name: string;
  readonly state: CheckState;
  /** What was found, in a line. */
  readonly detail: string;
  /** The figures, for programs; a name carries its unit. Null: there is no bound, or it is not known. */
  readonly values?: Readonly<Record<string, number | string | null>>;
  /** Why, and how to get it. */
  readonly advice: readonly Advice[];
}

/** A paragraph for people, or text to be copied as it is. */
export type Advice = { readonly text: string } | { readonly copy: string };
