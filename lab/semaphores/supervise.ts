// The program that runs the tool by way of a Node library, in a process of its own that can be
// killed: node supervise.ts MEANS SITUATION DEADLINE_MS|never COMMAND…
// What a report says is left goes to the file LAB_TOLD.
import { writeFileSync } from "node:fs";
import { allMeans } from "./all-means.ts";
import type { NodeMeans } from "./means.ts";
import type { Situation } from "./situations.ts";

const [name = "", situation = "", deadline = "", ...tool] = process.argv.slice(2);
const means = allMeans.find((candidate) => candidate.name === name);
if (means === undefined || !("run" in means)) throw new Error(`no means ${name} that runs in Node`);
const told = await (means as NodeMeans).run(
  situation as Situation,
  tool,
  deadline === "never" ? null : Number(deadline),
);
const file = process.env["LAB_TOLD"];
if (told !== undefined && file !== undefined) writeFileSync(file, JSON.stringify(told));
