/** A square, after so many milliseconds. */
export async function square(value: number, ms: number): Promise<number> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return value * value;
}
