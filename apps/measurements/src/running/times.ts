/** A moment as Python prints one, which is how these files have always said it. */
export function pythonTimestamp(date: Date = new Date()): string {
  return date.toISOString().replace("T", " ").replace("Z", "000+00:00");
}

/** The same with a `T` between date and time. */
export function isoTimestamp(date: Date = new Date()): string {
  return date.toISOString().replace("Z", "000+00:00");
}
