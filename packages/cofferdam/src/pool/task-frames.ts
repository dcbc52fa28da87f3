import type { Job } from "./job.ts";

/** The buffers of one frame, from its header and its binary parts. */
export type Frame = (header: string, parts?: readonly Uint8Array[]) => Uint8Array[];

/** Above this a frame takes no second task. */
const frameTextMax = 16 * 1024 * 1024;

/** Jobs as frames of many, for a worker that takes such. */
export function batchFrames(jobs: readonly Job[], each: boolean, frame: Frame): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let list = "";
  let plain = true;
  const endFrame = (parts?: readonly Uint8Array[]): void => {
    if (list === "") return;
    const how = `"each":${each ? 1 : 0},"plain":${plain ? 1 : 0}`;
    frames.push(...frame(`{"t":"tasks",${how},"list":[${list}]}`, parts));
    list = "";
    plain = true;
  };
  for (const { id, callee, args } of jobs) {
    const { parts, text } = args;
    // A frame of its own: parts are numbered by frame, and no text has room for all.
    if (parts.length > 0 || list.length + text.length > frameTextMax) endFrame();
    list += `${list === "" ? "" : ","}${id},${callee.nameText},${text}`;
    plain &&= args.plain;
    if (parts.length > 0) endFrame(parts);
  }
  endFrame();
  return frames;
}

/** A frame for each job. */
export function singleFrames(jobs: readonly Job[], frame: Frame): Uint8Array[] {
  return jobs.flatMap(({ id, callee, args }) =>
    frame(`{"t":"run","id":${id},"name":${callee.nameText},"args":${args.text}}`, args.parts),
  );
}
