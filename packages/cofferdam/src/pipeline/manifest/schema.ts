/** Changed when rows of an older program can no longer be understood. */
export const manifestVersion = 2;

/**
 * One row an item, clustered by stage and name: planning and resuming read a stage in the order in
 * which its files are found, without looking anything up.
 */
export const schema = `
  CREATE TABLE IF NOT EXISTS stages (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS recipes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS items (
    stage INTEGER NOT NULL,
    key TEXT NOT NULL,
    state INTEGER NOT NULL,
    output TEXT,
    recipe INTEGER,
    stamp TEXT,
    hash TEXT,
    PRIMARY KEY (stage, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outputs (
    stage INTEGER NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL,
    PRIMARY KEY (stage, key, path)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS members (
    stage INTEGER NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL,
    PRIMARY KEY (stage, key, path)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS details (
    stage INTEGER NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (stage, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, started_at INTEGER NOT NULL, ended_at INTEGER, outcome TEXT
  ) STRICT;
  PRAGMA user_version = ${manifestVersion};
`;

/** How an item stands. `queued` is pending, in the hands of the run that holds the lock. */
export const itemState = { pending: 0, done: 1, failed: 2, quarantined: 3, queued: 4 } as const;
export type ItemState = (typeof itemState)[keyof typeof itemState];
