// Ends with one clear line where the Node that runs the repository's scripts is too old to run
// TypeScript sources and `await using`. Written in old syntax on purpose: it must parse everywhere.
"use strict";
var found = process.versions.node.split(".").map(Number);
if (found[0] < 24) {
  console.error(
    "cofferdam: this repository needs Node 24 and found " +
      process.versions.node +
      ". `npm install` brings one on Linux (x64, arm64); elsewhere install Node 24 and try again.",
  );
  process.exit(1);
}
