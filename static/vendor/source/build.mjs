// Builds the modules in the folder above from npm: `npm ci && npm run build`. Each is one file with nothing to load.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const options = { bundle: true, format: "esm", minify: true, target: "es2022", legalComments: "none", metafile: true };

/** The licences of all packages that a bundle has code of. */
function licences(metafile) {
  const names = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const packages = [...new Set(names.filter(Boolean))].sort();
  return packages.map((name) => {
    const folder = `node_modules/${name}`;
    const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    return `${name} ${version}\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
  }).join("\n---\n\n");
}

for (const name of ["codemirror", "sha256"]) {
  const { metafile } = await build({ ...options, entryPoints: [`${name}.js`], outfile: `../${name}.js` });
  writeFileSync(`../LICENSE-${name}.txt`, licences(metafile));
}
