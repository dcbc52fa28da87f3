/** Variables by which programs are told which GPUs they may use. */
const gpuVariables = ["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"];

/** For the resource `gpu`: the variables that name the devices. Nothing for other resources. */
export function visibleDevices(
  units: Readonly<Record<string, readonly string[]>>,
): Record<string, string> {
  const gpus = units["gpu"];
  if (!gpus) return {};
  return Object.fromEntries(gpuVariables.map((name) => [name, gpus.join(",")]));
}
