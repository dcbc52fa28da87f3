/** `cofferdam exec` on a terminal: what is pressed reaches the command, and the shell stays a shell. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { namespaced } from "../../../../test/support/containment.ts";
import { cli } from "../../../../test/support/program.ts";

const driver = fileURLToPath(new URL("../../../../test/support/on-terminal.py", import.meta.url));

function isThere(command: string): boolean {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const missing = ["python3", "bash", "less"].filter((command) => !isThere(command));
const exec = `'${process.execPath}' --conditions=cofferdam-source '${cli}' exec`;
const controlC = "\u0003";
const controlZ = "\u001a";

type Step = readonly [pattern: string, keys: string, againEachSeconds?: number];

/** Types into a plain shell with the prompt `$> `, and gives what was shown. */
async function type(...typed: Step[]): Promise<{ code: number | null; shown: string }> {
  // Some builds of bash take no prompt from the environment. Written so that its echo is no prompt.
  const steps: Step[] = [["[#$] $", "PS1='$''> '\r"], ...typed];
  const child = spawn(
    "python3",
    [driver, "33", "77", JSON.stringify(steps), "bash", "--norc", "--noprofile", "-i"],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", TERM: "xterm" },
    },
  );
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (shown += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, shown };
}

const prompt = "\\$> $";
const innerPrompt = "[#$] $";
const name =
  missing.length > 0
    ? `exec on a terminal (skipped, because ${missing.join(", ")} is not there)`
    : namespaced.name("exec on a terminal");

describe.skipIf(missing.length > 0 || namespaced.skip)(name, () => {
  it("hands Ctrl-C to the command, and the shell sees 130", async () => {
    const { shown, code } = await type(
      [prompt, `${exec} -- sh -c 'echo READY; exec sleep 600'\r`],
      ["READY\\r\\n", controlC],
      [prompt, "echo code $?\r"],
      ["code \\d+\\r\\n.*\\$> $", "exit 0\r"],
    );
    expect(shown).toContain("code 130");
    expect(code).toBe(0);
  });

  it("lets a command catch Ctrl-C and go on", async () => {
    const { shown } = await type(
      [
        prompt,
        `${exec} -- sh -c 'trap "echo caught" INT; echo READY; while ! read line; do :; done; echo got $line'\r`,
      ],
      ["READY\\r\\n", controlC],
      ["caught", "something\r"],
      ["got something\\r\\n.*\\$> $", "exit 0\r"],
    );
    expect(shown).toContain("got something");
  });

  it("stops on Ctrl-Z together with the command, and goes on with fg", async () => {
    const { shown } = await type(
      [prompt, `${exec} -- sh -c 'echo READY; read line; echo got $line'\r`],
      ["READY\\r\\n", controlZ],
      ["Stopped.*\\$> $", "jobs; echo meanwhile\r"],
      ["meanwhile\\r\\n.*\\$> $", "fg\r"],
      ["exec -- sh[^\\n]*\\n", "something\r"],
      ["got something\\r\\n.*\\$> $", "exit 0\r"],
    );
    expect(shown).toContain("got something");
  });

  it("ends with Ctrl-C also where many jobs show what they write on the terminal", async () => {
    const map = exec.replace(/exec$/, "map");
    const { shown } = await type(
      [prompt, `${map} -u -w 2 -- sh -c 'echo READY; exec sleep 600' ::: 1 2 3 4 5 6\r`],
      ["READY\\r\\n.*READY\\r\\n", controlC],
      ["\\$> $", "echo code $?\r"],
      ["code \\d+\\r\\n.*\\$> $", "exit 0\r"],
    );
    expect(shown).toContain("code 130");
  });

  it("shows the command the terminal and its size", async () => {
    const { shown } = await type(
      [prompt, `${exec} -- sh -c 'tty; stty size; echo to the terminal > /dev/tty'\r`],
      ["to the terminal\\r\\n.*\\$> $", "exit 0\r"],
    );
    expect(shown).toMatch(/\/dev\/pts\/\d+\r\n33 77\r\n/);
  });

  it("lets a pager read its keys although its input is a pipe", async () => {
    const { shown } = await type(
      [prompt, `seq 1 1000 | ${exec} -- less\r`],
      ["\\n:", "G"],
      ["1000.*\\(END\\)", "q"],
      [prompt, "echo code $?\r"],
      ["code 0\\r\\n.*\\$> $", "exit 0\r"],
    );
    expect(shown).toContain("(END)");
  });

  it("contains a shell with job control of its own", async () => {
    const { shown } = await type(
      [prompt, `${exec} -- bash --norc --noprofile -i\r`],
      // The word comes from the command itself: before that the shell may still be making it.
      [innerPrompt, "sh -c 'echo RE''ADY; exec sleep 600'\r"],
      ["READY\\r\\n", controlC],
      ["\\^C.*[#$] $", "sleep 600 & jobs\r"],
      ["Running.*[#$] $", "exit 9\r"],
      [prompt, "echo code $?\r"],
      ["code 9\\r\\n.*\\$> $", "exit 0\r"],
    );
    expect(shown).toContain("code 9");
  });

  it("contains an interpreter that edits its line and catches Ctrl-C", async () => {
    const { shown } = await type(
      [prompt, `${exec} -- python3 -i -q\r`],
      [">>> $", "6 * 7\r"],
      // It loses one that comes between its prompt and its wait for keys.
      ["42\r\n.*>>> $", controlC, 2],
      ["KeyboardInterrupt.*>>> $", "raise SystemExit(5)\r"],
      [prompt, "echo code $?\r"],
      ["code 5\\r\\n.*\\$> $", "exit 0\r"],
    );
    expect(shown).toContain("code 5");
  });
});
