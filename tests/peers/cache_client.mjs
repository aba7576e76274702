// Drives the real client of the cache as an action would: one command a line on stdin, one answer a line on stdout.
// What the client itself prints goes to stderr, so that answers stay apart.
import { pathToFileURL } from "node:url";
import path from "node:path";
import readline from "node:readline";

const root = process.argv[2];
const load = (file) => import(pathToFileURL(path.join(root, "node_modules/@actions/cache/lib", file)).href);
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (text, ...rest) => process.stderr.write(text, ...rest);

const cache = await load("cache.js");
const internal = await load("internal/shared/cacheTwirpClient.js");

const verbs = {
  save: ({ paths, key }) => cache.saveCache(paths, key),
  restore: ({ paths, key, restoreKeys, lookupOnly }) => cache.restoreCache(paths, key, restoreKeys, { lookupOnly }),
  // What saving does, with content and version of our own.
  async put({ key, version, content }) {
    const client = internal.internalCacheTwirpClient();
    const made = await client.CreateCacheEntry({ key, version });
    if (!made.ok) return { ok: false, message: made.message };
    const body = Buffer.from(content, "base64");
    const upload = await load("internal/uploadUtils.js");
    const fs = await import("node:fs");
    const file = path.join(process.env.RUNNER_TEMP, "blob");
    fs.writeFileSync(file, body);
    await upload.uploadCacheArchiveSDK(made.signedUploadUrl, file, { archiveSizeBytes: body.length });
    const done = await client.FinalizeCacheEntryUpload({ key, version, sizeBytes: `${body.length}` });
    return { ok: done.ok };
  },
  // What restoring looks up, with a version of our own.
  async find({ key, version, restoreKeys }) {
    const client = internal.internalCacheTwirpClient();
    const found = await client.GetCacheEntryDownloadURL({ key, version, restoreKeys: restoreKeys ?? [] });
    if (!found.ok) return { ok: false };
    const response = await fetch(found.signedDownloadUrl);
    const body = Buffer.from(await response.arrayBuffer());
    return { ok: true, key: found.matchedKey, status: response.status, content: body.toString("base64") };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { verb, ...what } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await verbs[verb](what)) ?? null };
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  write(JSON.stringify(answer) + "\n");
}
