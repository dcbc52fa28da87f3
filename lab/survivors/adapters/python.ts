import { askPython, pythonAdapter, pythonVersion } from "../python.ts";

/** The `timeout` of `subprocess.run`, which kills the child by SIGKILL. */
export const subprocess = pythonAdapter({
  name: "subprocess",
  title: "subprocess.run, timeout",
  program: "subprocess_run.py",
  version: async () => `Python ${await pythonVersion()}`,
});

/** `kill_workers` where there is one (Python 3.14), and before that what it does. */
export const processPool = pythonAdapter({
  name: "process-pool",
  title: "ProcessPoolExecutor, workers killed",
  program: "process_pool.py",
  version: async () => `Python ${await pythonVersion()}`,
});

/** `kill_workers` ends the workers and their descendants; with `psutil` if that is there. */
export const loky = pythonAdapter({
  name: "loky",
  title: "loky, kill_workers",
  program: "loky_pool.py",
  needs: { module: "loky", install: "pip install loky psutil" },
  version: async () => {
    const version = (await askPython("import loky; print(loky.__version__)")) ?? "unknown";
    const psutil = await askPython("import psutil; print(psutil.__version__)");
    return psutil === null ? `${version} without psutil` : `${version}, psutil ${psutil}`;
  },
});
