'use strict';
// Finds the program, gives it a clean environment and the token of the cache, passes signals on, and ends as it ended.
// It reads no secret, and decides nothing about a login. Node's own modules only; for Node 24, and runs under Node 20.

const { spawn, spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.dirname(__dirname);
const LARGEST = 64 * 1024 * 1024;

// What the runner says: of itself, of the job, and to `post`. The lists are those of src/cli/action.rs; a test compares them.
const KEPT_PREFIXES = ['GITHUB_', 'INPUT_', 'RUNNER_', 'STATE_'];
const KEPT = [
  'ACTIONS_CACHE_MODE', 'ACTIONS_CACHE_SERVICE_V2', 'ACTIONS_CACHE_URL', 'ACTIONS_RESULTS_URL', 'ACTIONS_RUNTIME_TOKEN',
  'ACTIONS_RUNTIME_URL', 'ALL_PROXY', 'CI', 'HOME', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'PATH', 'ProgramData',
  'SystemRoot', 'TEMP', 'TMP', 'TMPDIR', 'USER', 'USERPROFILE', 'all_proxy', 'http_proxy', 'https_proxy', 'no_proxy',
];
// Credentials that would get in the way of ours. The program is told that they are there, and not what they are.
const RIVALS = [
  'CODEX_ACCESS_TOKEN', 'CODEX_API_KEY', 'LLMX_API_KEY', 'OPENAI_FEDERATION_RULE_ID', 'OPENAI_IDENTITY_TOKEN_FILE',
];
// Where stores of other kinds find their own credentials; the program takes those that its store reads.
const OF_STORES = { s3: /^AWS_/, gs: /^(CLOUDSDK|GOOGLE)_/, az: /^AZURE_/, git: /^(GIT|SSH)_/ };
// What cargo needs to build.
const OF_CARGO = ['CARGO_HOME', 'RUSTUP_HOME', 'RUSTUP_TOOLCHAIN', 'CARGO_TARGET_DIR'];

class Problem extends Error {}

// Only with its hyphens, which the runner always sets: a step before us can set INPUT_BINARY_PATH.
const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] || '').trim();

const isOneOf = (names, name) =>
  names.includes(name) || (process.platform === 'win32' && names.some((it) => it.toUpperCase() === name.toUpperCase()));

function only(isKept) {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isKept(name)));
}

function environment() {
  const ofStore = OF_STORES[input('store').split(':')[0]];
  const kept = only((name) =>
    name !== 'GITHUB_TOKEN' &&
    (isOneOf(KEPT, name) || KEPT_PREFIXES.some((it) => name.startsWith(it)) || Boolean(ofStore && ofStore.test(name))));
  for (const name of RIVALS) {
    if ((process.env[name] || '').trim()) kept[name] = 'set';
  }
  return kept;
}

// The program: the one that is named, one that is built here, or the one that this very commit names by its checksum.
async function program() {
  const named = input('binary-path');
  if (named) {
    const file = path.resolve(named);
    if (!fs.existsSync(file)) throw new Problem('the file that `binary-path` names is not there');
    return file;
  }
  const version = input('version');
  // A checkout (`uses: ./`) has no repository, and may have other sources than any release.
  if (version === 'source' || !process.env.GITHUB_ACTION_REPOSITORY) return build();
  const released = JSON.parse(fs.readFileSync(path.join(__dirname, 'checksums.json'), 'utf8'));
  if (version && version.replace(/^v/, '') !== released.version) {
    throw new Problem('`version` is not that of this commit: pin the action to the commit of the version');
  }
  const system = `${process.platform}-${process.arch}`;
  const asset = released.assets[system];
  if (!asset) throw new Problem(`this commit names no program for ${system}`);
  return fetched(released, asset);
}

function build() {
  const names = KEPT.filter((name) => !name.startsWith('ACTIONS_')).concat(OF_CARGO);
  const options = { cwd: ROOT, env: only((name) => isOneOf(names, name)), stdio: ['ignore', 'inherit', 'inherit'] };
  const built = spawnSync('cargo', ['build', '--release', '--locked'], options);
  if (built.status !== 0) throw new Problem('the program could not be built from source with cargo');
  const target = path.resolve(ROOT, process.env.CARGO_TARGET_DIR || 'target');
  return path.join(target, 'release', process.platform === 'win32' ? 'authbaton.exe' : 'authbaton');
}

function isGenuine(file, asset) {
  try {
    if (fs.statSync(file).size !== asset.size) return false;
    return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex') === asset.sha256;
  } catch {
    return false;
  }
}

async function fetched(released, asset) {
  const directory = path.join(process.env.RUNNER_TOOL_CACHE || process.env.RUNNER_TEMP || os.tmpdir(), 'authbaton', asset.sha256);
  const file = path.join(directory, process.platform === 'win32' ? 'authbaton.exe' : 'authbaton');
  if (isGenuine(file, asset)) return file;
  const fresh = `${file}.${crypto.randomUUID()}`;
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (let left = 2; ; left -= 1) {
    try {
      fs.writeFileSync(fresh, await download(`${released.url}/${asset.name}`, Math.min(asset.size, LARGEST)), { mode: 0o700 });
      break;
    } catch (error) {
      if (left === 0) throw new Problem(`${asset.name} could not be downloaded: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.random() + 1000));
    }
  }
  if (!isGenuine(fresh, asset)) {
    fs.rmSync(fresh);
    throw new Problem(`${asset.name} is not what this commit names: its checksum differs`);
  }
  fs.renameSync(fresh, file);
  return file;
}

function download(url, most, redirects = 5) {
  return new Promise((resolve, reject) => {
    // From Node 24.5 on it goes through the job's proxy.
    const agent = new https.Agent({ proxyEnv: process.env });
    const request = https.get(url, { agent, timeout: 60000 }, (response) => {
      const { statusCode, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location && redirects > 0) {
        response.resume();
        const next = new URL(headers.location, url);
        // `https.get` refuses any other protocol by itself.
        return resolve(download(next.href, most, redirects - 1));
      }
      if (statusCode !== 200) {
        response.resume();
        return reject(new Error(`status ${statusCode}`));
      }
      const parts = [];
      let size = 0;
      response.on('data', (part) => {
        size += part.length;
        if (size > most) request.destroy(new Error('it is larger than this commit says'));
        else parts.push(part);
      });
      response.on('end', () => resolve(Buffer.concat(parts)));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}

function fail(code, text) {
  const data = text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
  console.log(`::error title=authbaton%3A program-missing::${data}`);
  process.exitCode = code;
}

async function run(stage) {
  let file;
  try {
    file = await program();
  } catch (error) {
    return fail(2, error instanceof Problem ? error.message : `the program could not be found: ${error.message}`);
  }
  // The runner signals this process alone: first SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL. We end when it has ended.
  // (On Windows a console's Ctrl-C reaches both.)
  let child;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => process.platform !== 'win32' && child && child.kill(signal));
  }
  // The last argument is the runner: without it nobody is left to serve.
  child = spawn(file, ['action', stage, String(process.ppid)], { env: environment(), stdio: ['ignore', 'inherit', 'inherit'] });
  child.on('error', (error) => fail(1, `the program could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = code === null ? 128 + (os.constants.signals[signal] || 0) : code;
  });
}

module.exports = { run };
