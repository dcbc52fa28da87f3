import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["cofferdam-source"] },
  ssr: { resolve: { conditions: ["cofferdam-source"] } },
  test: {
    include: ["{packages,apps}/*/test/**/*.test.ts", "{test,lab,keeper/test}/**/*.test.ts"],
    // Tests wait for events, never for time: this is only the point where a hang is called one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ["test/setup-census.ts"],
    // Hundreds of tests start this program anew: most of each start is turning its sources to code.
    env: {
      NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/node", import.meta.url)),
    },
    pool: "forks",
    maxWorkers: 2,
    reporters: ["default"],
  },
});
