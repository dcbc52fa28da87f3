/** What keeps this process running while it is open: a process, a socket, a timer. */
interface Handle {
  ref(): unknown;
  unref(): unknown;
}

/** Has it keep this process running, or not. A stream that is not a handle's never does. */
export function setHeld(one: object | null | undefined, held: boolean): void {
  if (one && "unref" in one) (one as Handle)[held ? "ref" : "unref"]();
}
