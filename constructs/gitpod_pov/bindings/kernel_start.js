// Preloaded into jsii's kernel when kernel_hooks.py starts it without jsii's wrapper: what must be in place before the kernel's own program.
'use strict';

const fs = require('fs');
const Module = require('module');

// The kernel hashes each package (32 MB for google) in pieces of 16 KB, each in its own memory that stays until the next garbage
// collection. Here all pieces share one; the digest, which names the package in jsii's cache, is the same.
const DIGEST = /function digestFile\((\w+),\.\.\.(\w+)\)\{return readFileChunks\(\1,\(\)=>\{\},\.\.\.\2\)\}/;
const digestInOneBuffer = (_, file, comments) => `function digestFile(${file},...${comments}) {
  const fs = require("fs"), hash = require("crypto").createHash("sha256"), piece = Buffer.allocUnsafe(65536);
  const descriptor = fs.openSync(${file}, "r");
  try {
    for (let size; (size = fs.readSync(descriptor, piece)) > 0;) hash.update(piece.subarray(0, size));
  } finally {
    fs.closeSync(descriptor);
  }
  for (const comment of ${comments}) hash.update("\\0").update(comment);
  return hash.digest();
}`;

const loadScript = Module._extensions['.js'];
Module._extensions['.js'] = (module, filename) => {
  if (module.parent || !/[\\/]lib[\\/]program\.js$/.test(filename)) return loadScript(module, filename);
  Module._extensions['.js'] = loadScript;
  return module._compile(fs.readFileSync(filename, 'utf8').replace(DIGEST, digestInOneBuffer), filename);
};
