#!/usr/bin/env node
// In old syntax on purpose: a Node that is too old must get to the message.
var version = process.versions.node.split(".").map(Number);
if (version[0] < 22 || (version[0] === 22 && version[1] < 18)) {
  console.error("cofferdam: Node 22.18 or newer is needed; this is " + process.versions.node);
  process.exit(1);
}
import("#cli").then(function (cli) {
  return cli.main(process.argv.slice(2));
});
