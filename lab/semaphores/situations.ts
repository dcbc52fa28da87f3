/** How the tool comes to its end. The first three are a deadline. */
export const SITUATIONS = {
  root: {
    peer: "KILL to the tool's process alone",
    cofferdam: "deadline, grace 200 ms",
    ignoresTerm: false,
  },
  "group-kill": {
    peer: "KILL to the tool's group",
    cofferdam: "deadline, no grace",
    ignoresTerm: false,
  },
  "group-term": {
    peer: "tool ignores TERM: TERM, 200 ms, KILL to its group",
    cofferdam: "tool ignores TERM: deadline, grace 200 ms",
    ignoresTerm: true,
  },
  supervisor: {
    peer: "KILL to the supervisor",
    cofferdam: "KILL to the supervisor",
    ignoresTerm: false,
  },
} as const;

export type Situation = keyof typeof SITUATIONS;

export const situations = Object.keys(SITUATIONS) as readonly Situation[];

/** Between TERM and KILL, where there is one. */
export const GRACE_MS = 200;
