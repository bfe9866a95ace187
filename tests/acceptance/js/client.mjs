// Drives @huggingface/hub: `node client.mjs CASE` runs one case against HUB_URL and fails by exit code.

import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as hub from "@huggingface/hub";

const hubUrl = process.env.HUB_URL;
const accessToken = process.env.HUB_TOKEN;
const at = { hubUrl, accessToken };
const name = () => `bob/js-${randomUUID().slice(0, 8)}`;
const text = (content) => new Blob([content]);
const named = (path, content) => ({ path, content: new Blob([content]) });

async function all(generator) {
  const found = [];
  for await (const item of generator) found.push(item);
  return found;
}

async function make(type, files = []) {
  const repo = { type, name: name() };
  await hub.createRepo({ repo, ...at, ...(type === "space" ? { sdk: "static" } : {}) });
  if (files.length) await hub.uploadFiles({ repo, files, commitTitle: "Add files", ...at });
  return repo;
}

const content = async (repo, path, options = {}) => {
  const blob = await hub.downloadFile({ repo, path, ...at, ...options });
  return blob && Buffer.from(await blob.arrayBuffer());
};

const cases = {
  async whoAmI() {
    const me = await hub.whoAmI(at);
    assert.equal(me.name, "bob");
    assert.equal(me.orgs.find((org) => org.name === "acme").fullname, "Acme Research");
    await assert.rejects(hub.whoAmI({ hubUrl, accessToken: "hf_" + "x".repeat(34) }), /401|nvalid/);
  },

  async createAndDeleteRepo() {
    for (const type of ["model", "dataset", "space"]) {
      const repo = { type, name: name() };
      const files = [{ path: "README.md", content: new TextEncoder().encode("# Made by JS").buffer }];
      const made = await hub.createRepo({ repo, private: true, license: "mit", files, ...at, sdk: type === "space" ? "static" : undefined });
      assert.ok(made.repoUrl.startsWith(hubUrl) && made.repoUrl.endsWith(repo.name), made.repoUrl);
      assert.ok(await hub.repoExists({ repo, ...at }));
      assert.equal(String(await content(repo, "README.md")).includes("# Made by JS"), true);
      await hub.checkRepoAccess({ repo, ...at });
      assert.equal(await hub.repoExists({ repo, hubUrl }), false);
      await hub.deleteRepo({ repo, ...at });
      assert.equal(await hub.repoExists({ repo, ...at }), false);
    }
    // One that everybody knew is not there for those who ask, either.
    const open = await make("model");
    await hub.deleteRepo({ repo: open, ...at });
    for (const who of [at, { hubUrl }]) assert.equal(await hub.repoExists({ repo: open, ...who }), false);
  },

  async uploadFiles() {
    for (const type of ["model", "dataset", "space"]) {
      const large = randomBytes(300_000);
      const repo = await make(type, [named("a.txt", "hello\n"), named("deep/w.bin", large), named("empty.txt", "")]);
      assert.equal(String(await content(repo, "a.txt")), "hello\n");
      assert.deepEqual(await content(repo, "deep/w.bin"), large);
      assert.equal((await content(repo, "empty.txt")).length, 0);
      assert.equal(await content(repo, "missing.txt"), null);
    }
  },

  async uploadMultipart() {
    const repo = await make("model");
    const big = Buffer.concat([randomBytes(1 << 20), Buffer.alloc(40 << 20, 7), randomBytes(1 << 20)]);
    let parts = 0;
    const counting = (address, options) => {
      // To the hub, or by signed addresses to S3.
      if (options?.method === "PUT" && /\/lfs\/part\/|[?&]partNumber=/.test(address)) parts += 1;
      return fetch(address, options);
    };
    await hub.uploadFile({ repo, file: named("big.bin", big), fetch: counting, ...at });
    // Of 5 MiB each, as the hub of the tests has them.
    assert.equal(parts, 9);
    const got = await content(repo, "big.bin");
    assert.equal(got.length, big.length);
    assert.ok(got.equals(big));
  },

  async uploadFilesWithProgress() {
    const repo = await make("model");
    const files = [named("a.txt", "a"), named("w.bin", randomBytes(100_000))];
    const events = await all(hub.uploadFilesWithProgress({ repo, files, ...at }));
    assert.ok(events.some((event) => event.event === "fileProgress"));
    assert.ok(await hub.fileExists({ repo, path: "w.bin", ...at }));
  },

  async commit() {
    const repo = await make("dataset", [named("old.txt", "old"), named("keep.txt", "keep"), named("w.bin", "\0w")]);
    const done = await hub.commit({
      repo,
      title: "Two things",
      description: "at once",
      operations: [
        { operation: "delete", path: "old.txt" },
        { operation: "addOrUpdate", path: "new.txt", content: text("new") },
        { operation: "addOrUpdate", path: "w.bin", content: text("\0w2") },
      ],
      ...at,
    });
    assert.match(done.commit.oid, /^[0-9a-f]{40}$/);
    assert.ok(done.commit.url.startsWith(hubUrl));
    const files = (await all(hub.listFiles({ repo, ...at }))).map((file) => file.path);
    assert.deepEqual(files.sort(), [".gitattributes", "keep.txt", "new.txt", "w.bin"]);
    await assert.rejects(
      hub.commit({ repo, title: "Late", parentCommit: "0".repeat(40), operations: [{ operation: "addOrUpdate", path: "x", content: text("x") }], ...at }),
      (error) => error.statusCode === 412,
    );
  },

  async editFile() {
    const repo = await make("dataset", [named("notes.txt", "one two three\n")]);
    const originalContent = await hub.downloadFile({ repo, path: "notes.txt", ...at });
    await hub.commit({
      repo,
      title: "Edit",
      operations: [{ operation: "edit", path: "notes.txt", originalContent, edits: [{ start: 4, end: 7, content: text("2") }] }],
      ...at,
    });
    assert.equal(String(await content(repo, "notes.txt")), "one 2 three\n");
  },

  async deleteFiles() {
    const repo = await make("model", [named("a.txt", "a"), named("b.txt", "b"), named("c.txt", "c")]);
    await hub.deleteFile({ repo, path: "a.txt", ...at });
    await hub.deleteFiles({ repo, paths: ["b.txt"], ...at });
    const files = (await all(hub.listFiles({ repo, ...at }))).map((file) => file.path);
    assert.deepEqual(files.sort(), [".gitattributes", "c.txt"]);
  },

  async listFiles() {
    const files = Array.from({ length: 1_200 }, (_, n) => named(`many/${n}.txt`, `${n}`));
    const repo = await make("dataset", [named("top.bin", "\0top"), named("with space/x y.txt", "x"), ...files]);
    const whole = await all(hub.listFiles({ repo, recursive: true, ...at }));
    assert.equal(whole.filter((entry) => entry.type === "file").length, 1_203);
    assert.equal(whole.find((entry) => entry.path === "top.bin").lfs.size, 4);
    const folder = await all(hub.listFiles({ repo, path: "with space", expand: true, ...at }));
    assert.deepEqual(folder.map((entry) => [entry.path, entry.lastCommit.title]), [["with space/x y.txt", "Add files"]]);
    assert.equal(String(await content(repo, "with space/x y.txt")), "x");
  },

  async pathsInfo() {
    const repo = await make("model", [named("a.txt", "a"), named("w.bin", "\0w")]);
    const found = await hub.pathsInfo({ repo, paths: ["a.txt", "w.bin", "nope"], expand: true, ...at });
    assert.deepEqual(found.map((entry) => entry.path).sort(), ["a.txt", "w.bin"]);
    assert.equal(found.find((entry) => entry.path === "w.bin").lfs.size, 2);
    assert.ok(found[0].lastCommit.date instanceof Date);
  },

  async fileDownloadInfo() {
    const repo = await make("model", [named("a.txt", "abc"), named("w.bin", "\0wide")]);
    const small = await hub.fileDownloadInfo({ repo, path: "a.txt", ...at });
    assert.equal(small.size, 3);
    assert.match(small.etag, /[0-9a-f]{40}/);
    assert.equal((await hub.fileDownloadInfo({ repo, path: "w.bin", ...at })).size, 5);
    assert.equal(await hub.fileDownloadInfo({ repo, path: "none", ...at }), null);
    assert.match(String(await content(repo, "w.bin", { raw: true })), /^version https:\/\/git-lfs/);
  },

  async downloadSlices() {
    const large = randomBytes(200_000);
    const repo = await make("model", [named("w.bin", large)]);
    const blob = await hub.downloadFile({ repo, path: "w.bin", ...at });
    assert.equal(blob.size, large.length);
    const slice = Buffer.from(await blob.slice(1000, 2000).arrayBuffer());
    assert.deepEqual(slice, large.subarray(1000, 2000));
  },

  async downloadToCache() {
    const cacheDir = await mkdtemp(join(tmpdir(), "hub-js-"));
    const repo = await make("model", [named("a.txt", "abc"), named("deep/w.bin", "\0wide")]);
    const path = await hub.downloadFileToCacheDir({ repo, path: "deep/w.bin", cacheDir, ...at });
    assert.equal(String(await readFile(path)), "\0wide");
    const snapshot = await hub.snapshotDownload({ repo, cacheDir, ...at });
    assert.equal(String(await readFile(join(snapshot, "a.txt"))), "abc");
  },

  async branches() {
    const repo = await make("model", [named("a.txt", "a")]);
    await hub.createBranch({ repo, branch: "feat/x", ...at });
    await assert.rejects(hub.createBranch({ repo, branch: "feat/x", revision: "main", ...at }), (error) => error.statusCode === 409);
    await hub.createBranch({ repo, branch: "feat/x", overwrite: true, ...at });
    await hub.createBranch({ repo, branch: "bare", empty: true, ...at });
    await hub.uploadFile({ repo, file: named("x.txt", "x"), branch: "feat/x", ...at });
    assert.equal(String(await content(repo, "x.txt", { revision: "feat/x" })), "x");
    assert.equal(await hub.fileExists({ repo, path: "x.txt", ...at }), false);
    await hub.deleteBranch({ repo, branch: "feat/x", ...at });
    await assert.rejects(hub.deleteBranch({ repo, branch: "feat/x", ...at }));
  },

  async listCommits() {
    const repo = await make("model");
    for (let n = 0; n < 5; n++) await hub.uploadFile({ repo, file: named("n.txt", `${n}`), commitTitle: `Commit ${n}`, ...at });
    const commits = await all(hub.listCommits({ repo, batchSize: 2, ...at }));
    assert.equal(commits.length, 6);
    assert.deepEqual([commits[0].title, commits[0].authors[0].username], ["Commit 4", "bob"]);
    assert.equal(await hub.countCommits({ repo, ...at }), 6);
  },

  async listModels() {
    const repo = await make("model", [named("README.md", "---\nlicense: mit\npipeline_tag: text-classification\ntags: [js]\n---\n# Card\n")]);
    const query = repo.name.split("/")[1];
    const [model] = await all(hub.listModels({ search: { query, owner: "bob", task: "text-classification", tags: ["js"] }, additionalFields: ["cardData", "sha", "filePaths"], ...at }));
    assert.deepEqual([model.name, model.task, model.cardData.license], [repo.name, "text-classification", "mit"]);
    assert.ok(model.updatedAt instanceof Date && !Number.isNaN(+model.updatedAt));
    assert.ok(model.filePaths.includes("README.md"));
    const info = await hub.modelInfo({ name: repo.name, additionalFields: ["tags"], ...at });
    assert.ok(info.tags.includes("license:mit"));
    await assert.rejects(hub.modelInfo({ name: name(), ...at }));
  },

  async listDatasetsAndSpaces() {
    const [dataset, space] = [await make("dataset"), await make("space")];
    const query = (repo) => repo.name.split("/")[1];
    assert.equal((await all(hub.listDatasets({ search: { query: query(dataset) }, ...at })))[0].name, dataset.name);
    assert.equal((await all(hub.listSpaces({ search: { query: query(space) }, additionalFields: ["sdk"], ...at })))[0].sdk, "static");
    assert.equal((await hub.datasetInfo({ name: dataset.name, ...at })).name, dataset.name);
    assert.equal((await hub.spaceInfo({ name: space.name, ...at })).name, space.name);
  },

  async narrowedLists() {
    const tag = `js-${randomUUID().slice(0, 8)}`;
    const tagged = (type, yaml) => make(type, [named("README.md", `---\n${yaml}\ntags: [${tag}, of-${type}]\n---\n# Card\n`)]);
    const writer = await tagged("model", "license: mit\nlibrary_name: transformers\npipeline_tag: text-generation\nlanguage: [en, de]");
    const painter = await tagged("model", "license: apache-2.0\nlibrary_name: diffusers\npipeline_tag: text-to-image");
    const english = await tagged("dataset", "license: mit\nlanguage: en\ntask_categories: [translation]\nsize_categories: [n<1K]");
    const french = await tagged("dataset", "license: cc0-1.0\nlanguage: fr\ntask_categories: [summarization]");
    const page = await tagged("space", `sdk: static\nmodels: [${writer.name}]\nlicense: mit`);
    const app = await tagged("space", `sdk: gradio\ndatasets: [${english.name}]`);
    for (const [list, search, found] of [
      [hub.listModels, {}, [writer, painter]],
      [hub.listModels, { tags: ["license:mit"] }, [writer]],
      [hub.listModels, { tags: ["de", "transformers"] }, [writer]],
      [hub.listModels, { tags: ["de", "diffusers"] }, []],
      [hub.listModels, { task: "text-to-image" }, [painter]],
      [hub.listModels, { apps: ["vllm"] }, [writer]],
      [hub.listModels, { apps: ["ollama", "draw-things"] }, [painter]],
      [hub.listModels, { apps: ["vllm", "draw-things"] }, [writer, painter]],
      [hub.listModels, { inferenceProviders: ["together"] }, []],
      [hub.listModels, { owner: "acme" }, []],
      [hub.listDatasets, {}, [english, french]],
      [hub.listDatasets, { tags: ["language:fr"] }, [french]],
      [hub.listDatasets, { tags: ["task_categories:translation", "size_categories:n<1K"] }, [english]],
      [hub.listDatasets, { tags: ["license:mit", "language:fr"] }, []],
      [hub.listDatasets, { owner: "bob", query: french.name.split("/")[1] }, [french]],
      [hub.listDatasets, { owner: "acme" }, []],
      [hub.listSpaces, {}, [page, app]],
      [hub.listSpaces, { tags: ["gradio"] }, [app]],
      [hub.listSpaces, { tags: ["static", "of-space"] }, [page]],
      [hub.listSpaces, { tags: ["of-model"] }, []],
      [hub.listSpaces, { owner: "bob", query: page.name.split("/")[1] }, [page]],
      [hub.listSpaces, { owner: "acme" }, []],
    ]) {
      const narrowed = { ...search, tags: [tag, ...(search.tags ?? [])] };
      const names = (await all(list({ search: narrowed, ...at }))).map((repo) => repo.name);
      assert.deepEqual(names.sort(), found.map((repo) => repo.name).sort(), `${list.name} ${JSON.stringify(search)}`);
    }
    const fields = { search: { tags: [tag, "gradio"] }, additionalFields: ["datasets", "models", "tags", "author"], ...at };
    const [found] = await all(hub.listSpaces(fields));
    assert.deepEqual([found.datasets, found.models, found.author], [[english.name], [], "bob"]);
    const [one, ...more] = await all(hub.listDatasets({ search: { tags: [tag] }, additionalFields: ["tags", "cardData"], limit: 1, ...at }));
    assert.ok(one.tags.includes(tag) && one.cardData.tags.includes(tag) && more.length === 0);
  },

  async sorts() {
    const stem = `js-${randomUUID().slice(0, 8)}`;
    const pair = async (type, files) => {
      const options = { ...at, ...(type === "space" ? { sdk: "static" } : {}) };
      const repos = ["a", "b"].map((end) => ({ type, name: `bob/${stem}-${end}` }));
      for (const [index, repo] of repos.entries()) {
        await hub.createRepo({ repo, ...options });
        await hub.uploadFiles({ repo, files: [named(type === "dataset" ? "README.md" : "notes.txt", files[index])], ...at });
      }
      const [a, b] = repos.map((repo) => repo.name);
      await fetch(`${hubUrl}/api/${type}s/${a}/like`, { method: "POST", headers: { Authorization: `Bearer ${accessToken}` } });
      await hub.uploadFile({ repo: repos[0], file: named("more.txt", "more"), ...at });
      return [a, b];
    };
    const rows = (count) => `---\ndataset_info:\n  splits:\n  - {name: train, num_examples: ${count}}\n---\n`;
    const lists = { model: hub.listModels, dataset: hub.listDatasets, space: hub.listSpaces };
    const own = { model: ["num_parameters"], dataset: ["datasetsServerInfo.numRows"], space: [] };
    const texts = { model: ["x".repeat(900), "x"], dataset: [rows(1_000_000), rows(10)], space: ["x".repeat(900), "x"] };
    for (const type of ["model", "dataset", "space"]) {
      const [a, b] = await pair(type, texts[type]);
      const list = async (sort) => {
        const found = lists[type]({ search: { query: stem, owner: "bob" }, sort, ...at });
        return (await all(found)).map((repo) => repo.name);
      };
      const expected = { createdAt: [b, a], lastModified: [a, b], likes: [a, b], mainSize: [a, b], id: [b, a], num_parameters: [], "datasetsServerInfo.numRows": [a, b] };
      for (const sort of ["createdAt", "lastModified", "likes", "mainSize", "id", ...own[type]]) assert.deepEqual(await list(sort), expected[sort], `${type} by ${sort}`);
      // Counted every quarter of an hour: what there is, is listed.
      for (const sort of ["likes30d", "trendingScore", "downloads"]) assert.deepEqual((await list(sort)).sort(), [a, b], `${type} by ${sort}`);
    }
  },

  async collections() {
    const model = await make("model");
    const title = `JS ${randomUUID()}`;
    const { slug } = await hub.createCollection({ collection: { title, namespace: "bob", description: "Made by JS", private: false }, ...at });
    assert.ok(slug.startsWith("bob/js-"), slug);
    // The package has calls for items, but does not export them.
    const item = JSON.stringify({ item: { type: "model", id: model.name }, note: "the best" });
    const headers = { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" };
    assert.ok((await fetch(`${hubUrl}/api/collections/${slug}/items`, { method: "POST", body: item, headers })).ok);
    const search = { owner: ["bob"], item: [`models/${model.name}`], q: title };
    const list = () => all(hub.listCollections({ search, sort: "lastModified", limit: 5, ...at }));
    const [found, ...more] = await list();
    assert.deepEqual([found.slug, found.title, found.description, found.private, found.owner.name, more], [slug, title, "Made by JS", false, "bob", []]);
    assert.deepEqual(found.items.map((one) => [one.type, one.id, one.note]), [["model", model.name, { html: "the best", text: "the best" }]]);
    await hub.deleteCollection({ slug, ...at });
    assert.deepEqual(await list(), []);
  },

  async safetensors() {
    const header = JSON.stringify({ w: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] } });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const repo = await make("model", [named("model.safetensors", Buffer.concat([length, Buffer.from(header), Buffer.alloc(24)]))]);
    const parsed = await hub.parseSafetensorsMetadata({ repo: repo.name, computeParametersCount: true, ...at });
    assert.equal(parsed.sharded, false);
    assert.deepEqual(parsed.parameterCount, { F32: 6 });
  },

  async errors() {
    const repo = await make("model");
    const missing = { type: "model", name: name() };
    await assert.rejects(all(hub.listFiles({ repo: missing, ...at })), (error) => error.statusCode === 404 && !!error.requestId);
    await assert.rejects(all(hub.listFiles({ repo, revision: "nowhere", ...at })), (error) => error.statusCode === 404);
    await assert.rejects(hub.uploadFile({ repo, file: named("x.txt", "x"), hubUrl, accessToken: process.env.HUB_READ_TOKEN }), (error) => error.statusCode === 403);
  },
};

if (process.argv[2] === "--list") {
  console.log(JSON.stringify(Object.keys(cases)));
} else {
  await cases[process.argv[2]]();
}
