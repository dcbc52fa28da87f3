/** A file of the instrument: four ramps of 20 points, from 0 to −10, back, to 10 and back. */
export function sweep(
  procedure: string,
  { sample = "s", startTime = 1726394856.2 }: { sample?: string; startTime?: number } = {},
): string {
  const ways = [-1, 1].flatMap((side) =>
    Array.from({ length: 20 }, (_, step) => side * (10 - Math.abs(10 - step))),
  );
  return [
    `#Procedure: <laser_setup.procedures.${procedure}>`,
    "#Parameters:",
    `#\tSample: ${sample}`,
    `#\tChip number: ${sample}`,
    "#Metadata:",
    `#\tStart time: ${startTime}`,
    "#Data:",
    "Vsd (V),I (A)",
    ...ways.map((value) => `${value},${value * 1e-9}`),
    "",
  ].join("\n");
}
