/** A value of more levels than Python's functions can call each other, and what lies beside each. */
export function nested(): { value: unknown; beside: unknown[] } {
  const levels = 1100;
  const kinds = [1, 'a"]}[{\\', NaN, 2n ** 64n, { $: [] }, [{}], null, "ä"];
  const beside = Array.from({ length: levels }, (_, level) => kinds[level % kinds.length]);
  const value = beside.reduceRight<unknown>((inner, one) => ({ beside: one, in: inner }), {});
  return { value, beside };
}
