import type { ExecOptions } from "cofferdam";
import type { Device } from "./device.ts";

/**
 * What of our environment Marker gets. Only what it or its libraries need: the paths, the locale,
 * where models are kept and fetched from, and its own settings. No key of some service gets in.
 */
const names = new Set([
  "PATH",
  "HOME",
  "USER",
  "LANG",
  "LANGUAGE",
  "LD_LIBRARY_PATH",
  "VIRTUAL_ENV",
  "PYTHONPATH",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
  "MODEL_CACHE_DIR",
  "ARTIFACT_URL",
  "S3_BASE_URL",
  "FONT_DIR",
  "FONT_PATH",
  "FONT_NAME",
  "LOGLEVEL",
  "TORCH_DEVICE",
  "CUDA_HOME",
  "CUDA_VISIBLE_DEVICES",
  "NVIDIA_VISIBLE_DEVICES",
  "NVIDIA_DRIVER_CAPABILITIES",
  "LLAMA_CPP_BINARY",
]);
/** Hugging Face, torch and surya (whose settings are too many to name), without anybody's token. */
const families = /^(?:LC_|HF_|TORCH_|TRANSFORMERS_|SURYA_|PYTORCH_|CUDA_)/u;
const secret = /TOKEN|KEY|SECRET|PASSWORD/u;

/** The part of the options of `exec` that is about the environment. */
export function markerEnvironment(device: Device): Pick<ExecOptions, "env" | "inheritEnv"> {
  const inheritEnv = Object.keys(process.env).filter(
    (name) => (names.has(name) || families.test(name)) && !secret.test(name),
  );
  return { inheritEnv, env: { ...deviceVariables(device), ...plainOutput } };
}

/** UTF-8 whatever the locale, and messages as they come. */
const plainOutput = { PYTHONUTF8: "1", PYTHONUNBUFFERED: "1", OUTPUT_ENCODING: "utf-8" };

function deviceVariables(device: Device): Record<string, string> {
  if (device === "auto") return {};
  if (device === "cpu") return { TORCH_DEVICE: "cpu", CUDA_VISIBLE_DEVICES: "" };
  // The one device that is visible is `cuda` inside, whatever its number is outside.
  return { TORCH_DEVICE: "cuda", CUDA_VISIBLE_DEVICES: device.slice("cuda:".length) };
}
