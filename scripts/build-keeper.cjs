// Builds the keeper with the C compiler of the machine: keeper/build/cofferdam-keeper.
// Runs at `npm install` (with --optional: without a compiler the library still works, by process
// groups) and as `npm run build`. `--static --into FOLDER` builds the one that a platform package
// ships. Old syntax on purpose: any Node can run it.
"use strict";
var childProcess = require("child_process");
var fs = require("fs");
var path = require("path");

var optional = process.argv.includes("--optional");
var isStatic = process.argv.includes("--static");
var root = path.join(__dirname, "..");
var sources = path.join(root, "keeper", "src");
var into = process.argv.indexOf("--into");
var build = into < 0 ? path.join(root, "keeper", "build") : path.resolve(process.argv[into + 1]);
var target = path.join(build, "cofferdam-keeper");

function giveUp(why) {
  console.error(
    "cofferdam: the keeper was not built: " +
      why +
      ". Everything runs without it, but contains by process " +
      "groups only, which is never called verified. To get it: install a C compiler (Debian: " +
      "`apt-get install gcc libc6-dev`), then `npm run build`.",
  );
  process.exit(optional ? 0 : 1);
}

if (process.platform !== "linux") giveUp("it needs Linux, and this is " + process.platform);
var compiler = process.env.CC || "cc";
var files = fs
  .readdirSync(sources)
  .filter(function (name) {
    return name.endsWith(".c");
  })
  .map(function (name) {
    return path.join(sources, name);
  });
fs.mkdirSync(build, { recursive: true });
// Built beside the target and renamed: a running keeper is never written over.
var fresh = target + "." + process.pid;
var flags = [
  "-std=c11",
  "-D_GNU_SOURCE",
  "-O2",
  "-g",
  "-Wall",
  "-Wextra",
  "-fstack-protector-strong",
];
var extra = (process.env.CFLAGS || "").split(" ").filter(Boolean);

function compile(linking, complaints) {
  return childProcess.spawnSync(compiler, flags.concat(linking, extra, ["-o", fresh], files), {
    stdio: ["ignore", "inherit", complaints],
  });
}

// A static keeper starts its tasks faster: there is less of it to copy for each. Not every system
// has what it takes to link one.
var result = isStatic ? compile(["-static", "-s"], "inherit") : compile(["-static"], "ignore");
if (!isStatic && result.status !== 0) result = compile([], "inherit");
if (result.error) giveUp("no C compiler `" + compiler + "` (" + result.error.code + ")");
if (result.status !== 0) giveUp("`" + compiler + "` ended with code " + result.status);
if (into >= 0) checkProcessor();
fs.renameSync(fresh, target);

/** A compiler builds for its own processor, unless `CC` names another: not into the wrong package. */
function checkProcessor() {
  var wanted = JSON.parse(fs.readFileSync(path.join(build, "package.json"), "utf8")).cpu[0];
  var machine = fs.readFileSync(fresh).readUInt16LE(18); // ELF: e_machine
  if (machine === { x64: 62, arm64: 183 }[wanted]) return;
  fs.rmSync(fresh);
  giveUp("`" + compiler + "` builds for another processor than " + wanted + " (set CC)");
}
