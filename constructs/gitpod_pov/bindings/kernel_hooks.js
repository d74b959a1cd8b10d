// Runs in jsii's Node process, as a jsii assembly that kernel_hooks.py makes of it. All the app loads shares that
// process: only the files named below are touched, and a file that does not look as expected runs as it is.
'use strict';

const fs = require('fs');
const Module = require('module');
const threads = require('worker_threads');

// cdktf's archived dependencies use deprecated parts of Node (`util.isArray`, DEP0044). Whoever synthesizes can do nothing about it.
process.noDeprecation = true;

// A provider's index requires all of its modules, some 1,500 for google: as `require("./module")`, or, in packages built
// with newer compilers, as `__importStar(require("./module/index"))`. As getters they are required when first asked for,
// which is when jsii looks a class up, and the value then takes the getter's place: `__importStar` may return a new object
// at every call, and jsii tells objects apart by their identity (which is why proxies would not do).
const REQUIRED_MODULE = /^exports\.(\w+) = (require\("\.\/[^"]+"\)|__importStar\(require\("\.\/[^"]+"\)\));$/gm;
const lazyCounts = new Map();
// How cdktf and cdktn mark outputs, whose names are apart from the addresses of resources.
const OUTPUT = Symbol.for('cdktf/TerraformOutput');
function lazyIndex(source, filename) {
  let count = 0;
  const lazy = source.replace(REQUIRED_MODULE, (_, name, required) => {
    count += 1;
    const value = `{ value: ${required}, enumerable: true, configurable: true, writable: true }`;
    const getter = `get: () => Object.defineProperty(exports, "${name}", ${value}).${name}`;
    return `Object.defineProperty(exports, "${name}", { enumerable: true, configurable: true, ${getter} });`;
  });
  lazyCounts.set(filename.split(/[\\/]/).slice(-4, -2).join('/'), count);
  return lazy;
}

// cdktf requires its zip library in a file that needs it only when run as a separate program.
function lazyArchiver(source) {
  const lazy = 'const archiver = (...options) => $1(...options);';
  return source.replace(/^const archiver = (require\("archiver"\));$/m, lazy);
}

// cdktf records where each token was created, for the message of an error that hardly ever comes, and spends a tenth of
// its time on turning stacks into text. Here that is left until somebody reads it; the lines are cdktf's own.
const STACK_AS_TEXT = /^ {4}if \(!object\.stack\) \{\n {8}return \[\];\n {4}\}\n {4}return (object\.stack\n[^;]+);$/m;
function lazyStackTrace(source) {
  return source.replace(STACK_AS_TEXT, (_, lines) => `
    let pending = true;
    const fill = (target) => {
      if (pending) {
        pending = false;
        target.push(...(object.stack ? ${lines} : []));
      }
      return target;
    };
    return new Proxy([], {
      get: (target, ...rest) => Reflect.get(fill(target), ...rest),
      has: (target, ...rest) => Reflect.has(fill(target), ...rest),
      ownKeys: (target) => Reflect.ownKeys(fill(target)),
      getOwnPropertyDescriptor: (target, ...rest) => Reflect.getOwnPropertyDescriptor(fill(target), ...rest),
    });`);
}

// Of both families: CDKTF (cdktf) and its successor CDK Terrain (cdktn).
const REWRITES = [
  [/[\\/]node_modules[\\/]@cdkt[fn][\\/]provider-[^\\/]+[\\/]lib[\\/]index\.js$/, lazyIndex],
  [/[\\/]node_modules[\\/]cdkt[fn][\\/]lib[\\/]private[\\/]fs\.js$/, lazyArchiver],
  [/[\\/]node_modules[\\/]cdkt[fn][\\/]lib[\\/]tokens[\\/]private[\\/]stack-trace\.js$/, lazyStackTrace],
];

const loadScript = Module._extensions['.js'];
Module._extensions['.js'] = (module, filename) => {
  const rewrite = REWRITES.find(([path]) => path.test(filename));
  if (rewrite === undefined) return loadScript(module, filename);
  return module._compile(rewrite[1](fs.readFileSync(filename, 'utf8'), filename), filename);
};

// jsii reads the definitions of a package's types from a file whose index says where each is, and reads the whole file for the first: 26 MB
// for google, of which an app needs some kilobytes. Here each definition is read when it is asked for. Whatever else is asked of the file's
// content gets the whole of it.
const readWhole = fs.readFileSync;
fs.readFileSync = function readFileSync(path, ...options) {
  if (options.length > 0 || typeof path !== 'string' || !/[\\/]\.jsii\.runtime-defs\.v\d+\.jsonl$/.test(path)) {
    return Reflect.apply(readWhole, this, [path, ...options]);
  }
  const file = fs.openSync(path, 'r');
  let whole;
  return new Proxy({}, {
    get(_, name) {
      if (name === 'toString') {
        return (encoding, start, end) => {
          if (end === undefined) return readWhole(path).toString(encoding, start);
          const part = Buffer.alloc(end - start);
          return part.toString(encoding, 0, fs.readSync(file, part, 0, part.length, start));
        };
      }
      whole ??= readWhole(path);
      return typeof whole[name] === 'function' ? whole[name].bind(whole) : whole[name];
    },
  });
};

// jsii writes an index of each package's types in a worker thread, and ends the app with `process.exit`, which kills a
// worker that is not done. A fast app never lives long enough, and every run would parse all definitions again (148 MB
// of JSON for google and kubernetes). So the workers can be waited for, before the kernel is told to end.
const indexing = [];
const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(file, options) {
    super(file, options);
    if (!/runtime-index-worker\.js$/.test(file)) return;
    indexing.push(new Promise((resolve) => this.once('exit', resolve)));
  }
};

// What kernel_hooks.py asks for.
exports.Hooks = class {
  static lazyModules(packageName) {
    return lazyCounts.get(packageName) ?? 0;
  }

  // The rule of `address_by_path` in Python's words, for one stack. Asked there, every element costs three round trips, a quarter of the
  // time of an app of many stacks.
  static addressByPath(stack) {
    const paths = new Map();
    stack.getLogicalId = (element) => {
      const { path } = element.node ?? element;
      const name = path.split('/').slice(1).filter((part) => part !== 'Default').join('_');
      if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name)) {
        throw new Error(`construct path '${path}' cannot be a Terraform address: only letters, digits, - and _ are allowed`);
      }
      const address = OUTPUT in element ? `output.${name}` : name;
      const other = paths.get(address) ?? path;
      if (other !== path) throw new Error(`construct paths '${other}' and '${path}' have the same Terraform address '${name}'`);
      paths.set(address, path);
      return name;
    };
  }

  static async indexed() {
    await Promise.all(indexing);
  }
};
