import { CofferdamError } from "cofferdam";

/** Where models compute. `auto`: Marker chooses. */
export type Device = "auto" | "cpu" | `cuda:${number}`;

/** Throws `INVALID_ARGUMENT`. */
export function parseDevice(text: string): Device {
  if (text === "auto" || text === "cpu") return text;
  const match = /^cuda(?::(\d{1,3}))?$/u.exec(text);
  if (match) return `cuda:${Number(match[1] ?? 0)}`;
  throw new CofferdamError(
    "INVALID_ARGUMENT",
    `"${text}" is not a device: give auto, cpu, or cuda:N with the number of a GPU`,
  );
}
