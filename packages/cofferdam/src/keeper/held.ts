/** What keeps this process running while it is open: a process, a socket, a timer. */
interface Handle {
  readonly destroyed?: boolean;
  ref(): unknown;
  unref(): unknown;
}

/** Has it keep this process running, or not. A stream without a handle never does. */
export function setHeld(one: object | null | undefined, held: boolean): void {
  if (!one || !("unref" in one)) return;
  const handle = one as Handle;
  // A socket that is closed would remember it, each time anew.
  if (handle.destroyed !== true) handle[held ? "ref" : "unref"]();
}
