/** The reference page of the matrix, made from the table that the test runs on. */
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { tricks, ways, type TrickName, type Way } from "./catalogue.ts";
import { promises, reasons, type Reason } from "./promises.ts";

export const pagePath = fileURLToPath(
  new URL("../../../../docs/reference/escapes.md", import.meta.url),
);

const introduction = `# Escapes

What processes do to get away, and what is left of it, by the way of [containment](containment.md).
Every trick is a small program of its own in \`packages/cofferdam/test/escapes/tricks\`. A test runs
each one under each way, as root and as an ordinary user: with a deadline of 300 ms and a grace of
50 ms, and as a command that exits by itself. Then an independent census counts.

**gone**: no process is left and no object, and the scratch folder is removed. Under \`namespace\` the
report says \`verified\`; under the other ways it never does, whatever it found. Where a
[cgroup](containment.md#cgroups) can be had, \`subreaper\` is played with one.
`;

const end = `
\`\`\`sh
npx vitest run packages/cofferdam/test/escapes
\`\`\`

Not among these: what a task hands to a service outside (\`cron\`, systemd, Docker, \`ssh localhost\`)
was never in its tree, and a process in uninterruptible sleep dies for nobody; see
[containment](containment.md).
`;

/** Whether a cell is promised to leave nothing. */
export function isPromised(
  trick: TrickName,
  way: Way,
  has: { readonly root: boolean; readonly cgroup: boolean },
): boolean {
  const promise = promises[trick][way];
  if (promise === "gone") return true;
  return (
    (promise.onlyRoot === true && !has.root) || (promise.onlyWithoutCgroup === true && has.cgroup)
  );
}

export async function renderPage(): Promise<string> {
  const used: Reason[] = [];
  const cell = (trick: TrickName, way: Way): string => {
    const promise = promises[trick][way];
    if (promise === "gone") return "gone";
    if (!used.includes(promise.why)) used.push(promise.why);
    const when = promise.onlyRoot ? "as root " : promise.onlyWithoutCgroup ? "without cgroup " : "";
    return `${when}may stay (${used.indexOf(promise.why) + 1})`;
  };
  const rows = tricks.map(
    ([trick, { title }]) => `| ${[title, ...ways.map((way) => cell(trick, way))].join(" | ")} |`,
  );
  const head = `| trick | ${ways.map((way) => `\`${way}\``).join(" | ")} |`;
  const rule = `| --- |${" --- |".repeat(ways.length)}`;
  const notes = used.map((why, index) => `${index + 1}. ${reasons[why]}`);
  const text = [introduction, head, rule, ...rows, "", ...notes, end].join("\n");
  return format(text, { parser: "markdown", printWidth: 100 });
}
