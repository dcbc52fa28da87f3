import { errorMessage, openScope, type Check, type Scope } from "cofferdam";
import { markerEnvironment } from "./marker/environment.ts";
import { findMarker, type Marker } from "./marker/find-marker.ts";

/** What `cofferdam doctor` says of this application. Does not reject. */
export async function doctorChecks(): Promise<Check[]> {
  try {
    await using scope = await openScope();
    return await examineMarker(scope);
  } catch (error) {
    return [check("marker", "unknown", errorMessage(error), {})];
  }
}

async function examineMarker(scope: Scope): Promise<Check[]> {
  let marker: Marker;
  try {
    marker = await findMarker(scope);
  } catch (error) {
    const advice = `Only \`cofferdam documents --engine marker\` needs it. ${errorMessage(error)}`;
    return [check("marker", "unknown", "not usable here", { version: null }, advice)];
  }
  const found = `Marker ${marker.version}, ${marker.single}`;
  const values = { version: marker.version, path: marker.single };
  return [check("marker", "ok", found, values), await examineCuda(scope, marker)];
}

/** Asks the driver itself, as Marker's process would; torch need not be loaded for that. */
const countDevices = `
import ctypes
try:
    cuda = ctypes.CDLL("libcuda.so.1")
except OSError:
    raise SystemExit("there is no CUDA driver (libcuda.so.1)")
count = ctypes.c_int()
for code in (cuda.cuInit(0), cuda.cuDeviceGetCount(ctypes.byref(count))):
    if code:
        raise SystemExit("the CUDA driver says error %d" % code)
print(count.value)
`;

async function examineCuda(scope: Scope, { python }: Marker): Promise<Check> {
  const { tree } = scope.containment;
  const result = await scope.exec([python ?? "python3", "-c", countDevices], {
    ...markerEnvironment("auto"),
    timeout: "1m",
    reject: false,
  });
  const devices = result.exitCode === 0 ? Number(result.stdout.trim()) : 0;
  const why = result.exitCode === 0 ? "" : `: ${result.stderr.trim().split("\n").at(-1) ?? ""}`;
  if (devices > 0)
    return check("cuda", "ok", `${devices} seen from inside ${tree}`, { devices, tree });
  const advice = "Marker computes on the CPU then, which takes many times as long.";
  return check("cuda", "weak", `none seen from inside ${tree}${why}`, { devices, tree }, advice);
}

function check(
  name: string,
  state: Check["state"],
  detail: string,
  values: NonNullable<Check["values"]>,
  ...advice: string[]
): Check {
  return {
    section: "applications",
    name,
    state,
    detail,
    values,
    advice: advice.map((text) => ({ text })),
  };
}
