import { cofferdam as cofferdamAdapter } from "../survivors/adapters/cofferdam.ts";
import { type NodeMeans, nodeMeans } from "./means.ts";
import { GRACE_MS } from "./situations.ts";

const run: NodeMeans["run"] = async (situation, tool, deadlineMs) => {
  // Loaded late: the experiment's list of means must not depend on one of them.
  const { openScope } = await import("cofferdam");
  await using scope = await openScope();
  const { unattributed } = await scope.exec([...tool], {
    ...(deadlineMs === null ? {} : { timeout: `${deadlineMs}ms` }),
    grace: situation === "group-kill" ? 0 : `${GRACE_MS}ms`,
    reject: false,
  });
  return unattributed.map(({ name }) => name);
};

/** By the strongest containment that this machine allows. */
export const cofferdam = nodeMeans({
  name: "cofferdam",
  title: "Cofferdam",
  contained: true,
  version: cofferdamAdapter.version,
  available: cofferdamAdapter.available,
  run,
});

/** By the keeper without namespaces: what it removes it has to prove to be the tool's. */
export const cofferdamSubreaper = nodeMeans({
  name: "cofferdam-subreaper",
  title: "Cofferdam, a keeper without namespaces",
  contained: true,
  version: cofferdamAdapter.version,
  available: cofferdamAdapter.available,
  env: { COFFERDAM_CONTAINMENT: "subreaper" },
  run,
});

/** Without a keeper, as on a machine that allows no namespaces. */
export const cofferdamGroup = nodeMeans({
  name: "cofferdam-group",
  title: "Cofferdam, without a keeper",
  contained: true,
  version: cofferdamAdapter.version,
  available: () => Promise.resolve(null),
  env: { COFFERDAM_CONTAINMENT: "group" },
  run,
});
