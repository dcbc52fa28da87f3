import { openScope, type Containment } from "cofferdam";

/** What can be had here, found once per test file. */
export async function findContainment(): Promise<Containment> {
  const scope = await openScope();
  await scope.close();
  return scope.containment;
}

const found = await findContainment();

/** Names a test that needs namespaces, so that a skipped one says why. */
export const namespaced = {
  skip: found.tree !== "namespace",
  name: (name: string): string =>
    found.tree === "namespace" ? name : `${name} (skipped, because namespaces cannot be had here)`,
};

/** What only a keeper does. */
export const kept = {
  skip: found.tree === "group",
  name: (name: string): string =>
    found.tree === "group" ? `${name} (skipped, because there is no keeper here)` : name,
};
