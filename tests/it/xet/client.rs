//! A small client: it cuts files in chunks, packs them in xorbs and says in shards what it has packed. It decodes with the
//! library of the real clients, so that what the hub gives out is read as they read it.

use bytes::Bytes;
use hub_tests::{Client, Value, json};
use hub_types::XetHash;
use hub_xet::{Chunker, FileEntry, FileHasher, Term, XorbBuilder, XorbInfo};
use reqwest::Method;
use xet_core_structures::merklehash::MerkleHash;
use xet_core_structures::metadata_shard::MDBShardFileHeader;
use xet_core_structures::metadata_shard::file_structs::{
    FileDataSequenceEntry, FileDataSequenceHeader, FileMetadataExt, FileVerificationEntry, MDBFileInfo,
};
use xet_core_structures::metadata_shard::xorb_structs::{MDBXorbInfo, XorbChunkSequenceEntry, XorbChunkSequenceHeader};
use xet_core_structures::xorb_object::deserialize_chunks;

use crate::lfs::Large;

/// Bytes that repeat nothing and do not compress.
pub(crate) fn random(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut word = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    std::iter::from_fn(|| Some(word())).flatten().take(size).collect()
}

/// A xorb as it is sent.
#[derive(Clone)]
pub(crate) struct Xorb {
    pub(crate) body: Bytes,
    pub(crate) info: XorbInfo,
}

impl Xorb {
    /// Packs chunks.
    pub(crate) fn of(chunks: &[Vec<u8>]) -> Self {
        let mut builder = XorbBuilder::new();
        for chunk in chunks {
            builder.add(chunk).expect("there is room");
        }
        let (body, info) = builder.finish().expect("there are chunks");
        Self { body, info }
    }

    pub(crate) fn hash(&self) -> XetHash {
        *self.info.hash()
    }

    /// Sends it; `status` is expected.
    pub(crate) async fn send(&self, cas: &Client, status: u16) -> Value {
        send_body(cas, &self.hash(), self.body.clone(), status).await
    }

    /// Asks whether it needs to be sent.
    pub(crate) async fn is_known(&self, cas: &Client) -> bool {
        let asked = cas.request(Method::POST, &format!("/xet/v1/xorb-grants/default/{}", self.hash()));
        let answer = asked.json(&json!({ "length": self.body.len(), "checksum": {} })).send().await.expect("an answer");
        match answer.status().as_u16() {
            200 => true,
            404 => false,
            other => panic!("the grant answers {other}"),
        }
    }
}

/// Sends some bytes as the xorb `hash`; `status` is expected.
pub(crate) async fn send_body(cas: &Client, hash: &XetHash, body: impl Into<reqwest::Body>, status: u16) -> Value {
    let request = cas.request(Method::POST, &format!("/xet/v1/xorbs/default/{hash}")).body(body);
    cas.send(request, status).await.json().await.expect("the answer is JSON")
}

/// A file that is ready to go.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) file: Large,
    pub(crate) xorbs: Vec<Xorb>,
    pub(crate) entry: FileEntry,
}

impl Packed {
    /// Cuts a file and packs so many chunks in each xorb.
    pub(crate) fn new(bytes: Vec<u8>, chunks_per_xorb: usize) -> Self {
        let file = Large::new(bytes);
        let xorbs: Vec<Xorb> = cut(&file.bytes).chunks(chunks_per_xorb).map(Xorb::of).collect();
        let runs: Vec<_> = xorbs.iter().map(|xorb| (&xorb.info, 0, xorb.info.chunk_count())).collect();
        let mut entry = entry(&runs);
        entry.sha256 = Some(file.oid.parse().expect("a SHA-256"));
        Self { file, xorbs, entry }
    }

    /// Sends the xorbs.
    pub(crate) async fn send_xorbs(&self, cas: &Client) {
        for xorb in &self.xorbs {
            xorb.send(cas, 200).await;
        }
    }

    /// The shard that makes the file.
    pub(crate) fn shard(&self) -> Vec<u8> {
        let xorbs: Vec<_> = self.xorbs.iter().map(|xorb| &xorb.info).collect();
        shard(std::slice::from_ref(&self.entry), &xorbs)
    }

    /// Sends it whole, as clients do.
    pub(crate) async fn send(&self, cas: &Client) {
        self.send_xorbs(cas).await;
        send_shard(cas, self.shard(), 200).await;
    }

    /// Sends it and commits it.
    pub(crate) async fn upload(&self, client: &Client, repo: &str, path: &str) {
        self.send(&write_token(client, repo).await).await;
        commit(client, repo, path, &self.file, 200).await;
    }
}

/// Cuts bytes in chunks.
pub(crate) fn cut(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chunker = Chunker::new();
    let mut chunks: Vec<Vec<u8>> = std::iter::from_fn(|| chunker.next(&mut bytes).map(|chunk| chunk.into_owned())).collect();
    chunks.extend(chunker.finish());
    chunks
}

/// The file that runs of chunks make.
pub(crate) fn entry(runs: &[(&XorbInfo, u32, u32)]) -> FileEntry {
    let (mut hasher, mut terms, mut proofs) = (FileHasher::new(), Vec::new(), Vec::new());
    for (info, start, end) in runs {
        let raw_len = info.raw_len(*start..*end).expect("the xorb has these chunks");
        terms.push(Term { xorb: *info.hash(), start: *start, end: *end, raw_len });
        proofs.push(info.range_hash(*start..*end).expect("the xorb has these chunks"));
        for (chunk, len) in info.chunks().iter().zip(info.chunk_lens()).take(*end as usize).skip(*start as usize) {
            hasher.push(chunk.hash(), len);
        }
    }
    FileEntry { hash: hasher.finish().expect("there are chunks"), terms, proofs, sha256: None }
}

fn library(hash: &XetHash) -> MerkleHash {
    MerkleHash::from(hash.as_bytes())
}

/// A shard as clients send it: without footer. A file without proofs lacks the flag for them.
pub(crate) fn shard(files: &[FileEntry], xorbs: &[&XorbInfo]) -> Vec<u8> {
    let mut bytes = Vec::new();
    MDBShardFileHeader { footer_size: 0, ..Default::default() }.serialize(&mut bytes).expect("written");
    for file in files {
        let segment = |term: &Term| FileDataSequenceEntry::new(library(&term.xorb), term.raw_len, term.start, term.end);
        let has_proofs = !file.proofs.is_empty();
        let info = MDBFileInfo {
            metadata: FileDataSequenceHeader::new(library(&file.hash), file.terms.len(), has_proofs, file.sha256.is_some()),
            segments: file.terms.iter().map(segment).collect(),
            verification: file.proofs.iter().map(|proof| FileVerificationEntry::new(library(proof))).collect(),
            metadata_ext: file.sha256.map(|oid| FileMetadataExt::new(MerkleHash::from_hex(&oid.to_hex()).expect("hex"))),
        };
        info.serialize(&mut bytes).expect("written");
    }
    FileDataSequenceHeader::bookend().serialize(&mut bytes).expect("written");
    for info in xorbs {
        let mut start = 0;
        let chunks = info.chunks().iter().zip(info.chunk_lens()).map(|(chunk, len)| {
            start += len;
            XorbChunkSequenceEntry::new(library(chunk.hash()), len, start - len)
        });
        let header = XorbChunkSequenceHeader::new(library(info.hash()), info.chunk_count(), info.total_raw_len());
        MDBXorbInfo { metadata: header, chunks: chunks.collect() }.serialize(&mut bytes).expect("written");
    }
    XorbChunkSequenceHeader::bookend().serialize(&mut bytes).expect("written");
    bytes
}

/// Sends a shard; `status` is expected.
pub(crate) async fn send_shard(cas: &Client, shard: Vec<u8>, status: u16) -> String {
    let sent = cas.send(cas.request(Method::POST, "/xet/v2/shards").body(shard), status).await;
    sent.text().await.expect("the answer arrives")
}

/// What the address of a repository begins with in the API: `ada/bert` and `datasets/ada/squad` are understood.
pub(crate) fn api(repo: &str) -> String {
    if repo.matches('/').count() == 1 { format!("/api/models/{repo}") } else { format!("/api/{repo}") }
}

/// Somebody's token for the chunks of a repository.
pub(crate) async fn token(client: &Client, repo: &str, kind: &str) -> Client {
    let answer = client.get_json(&format!("{}/xet-{kind}-token/main", api(repo)), 200).await;
    client.with_token(answer["accessToken"].as_str().expect("a token"))
}

pub(crate) async fn write_token(client: &Client, repo: &str) -> Client {
    token(client, repo, "write").await
}

pub(crate) async fn read_token(client: &Client, repo: &str) -> Client {
    token(client, repo, "read").await
}

/// Commits a large file by its SHA-256; `status` is expected.
pub(crate) async fn commit(client: &Client, repo: &str, path: &str, file: &Large, status: u16) -> Value {
    let value = json!({ "path": path, "algo": "sha256", "oid": file.oid, "size": file.bytes.len() });
    client.commit(&api(repo), "main", &[json!({ "key": "lfsFile", "value": value })], status).await
}

/// Asks where the bytes `range` of a file lie.
pub(crate) async fn reconstruction(cas: &Client, version: u8, file: &XetHash, range: &str, status: u16) -> Value {
    let request = cas.request(Method::GET, &format!("/xet/v{version}/reconstructions/{file}"));
    let request = if range.is_empty() { request } else { request.header("Range", range) };
    cas.send(request, status).await.json().await.expect("the answer is JSON")
}

/// A part of a xorb that an answer leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) xorb: String,
    pub(crate) chunks: (u64, u64),
    pub(crate) bytes: (u64, u64),
    pub(crate) url: String,
}

/// The parts in an answer of either version.
pub(crate) fn parts(answer: &Value) -> Vec<Part> {
    let number = |value: &Value| value.as_u64().expect("a number");
    let pair = |value: &Value| (number(&value["start"]), number(&value["end"]));
    let url = |value: &Value| value["url"].as_str().expect("an address").to_owned();
    let mut parts = Vec::new();
    for (xorb, list) in answer["fetch_info"].as_object().into_iter().flatten() {
        let list = list.as_array().expect("a list").iter();
        parts.extend(list.map(|part| Part {
            xorb: xorb.clone(),
            chunks: pair(&part["range"]),
            bytes: pair(&part["url_range"]),
            url: url(part),
        }));
    }
    for (xorb, list) in answer["xorbs"].as_object().into_iter().flatten() {
        for part in list.as_array().expect("a list") {
            let [range] = part["ranges"].as_array().expect("a list").as_slice() else { panic!("one range an address: {part}") };
            parts.push(Part { xorb: xorb.clone(), chunks: pair(&range["chunks"]), bytes: pair(&range["bytes"]), url: url(part) });
        }
    }
    parts
}

/// Fetches the bytes of a part as clients do: with the range that was given, and without credentials.
pub(crate) async fn fetch(part: &Part) -> Vec<u8> {
    let range = format!("bytes={}-{}", part.bytes.0, part.bytes.1);
    let answer = get(&part.url, &range).await;
    assert_eq!(answer.status(), 206, "{}", part.url);
    let bytes = answer.bytes().await.expect("the bytes come").to_vec();
    assert_eq!(bytes.len() as u64, part.bytes.1 - part.bytes.0 + 1);
    bytes
}

/// `GET` of an address without credentials.
pub(crate) async fn get(url: &str, range: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(url);
    let request = if range.is_empty() { request } else { request.header("Range", range) };
    request.send().await.expect("the other side answers")
}

/// Puts together what an answer leads to, as clients do; `len` bytes are wanted.
pub(crate) async fn assemble(answer: &Value, len: usize) -> Vec<u8> {
    let mut fetched = Vec::new();
    for part in parts(answer) {
        let (raw, ends) = deserialize_chunks(&mut fetch(&part).await.as_slice()).expect("the chunks decode");
        assert_eq!(ends.len() as u64, part.chunks.1 - part.chunks.0 + 1, "as many chunks as were promised");
        fetched.push((part, raw, ends));
    }
    let mut file = Vec::new();
    for term in answer["terms"].as_array().expect("a list") {
        let number = |at: &str| term.pointer(at).and_then(Value::as_u64).expect("a number");
        let (start, end) = (number("/range/start"), number("/range/end"));
        let holds = |part: &Part| part.xorb == term["hash"] && part.chunks.0 <= start && end <= part.chunks.1;
        let (part, raw, ends) = fetched.iter().find(|(part, ..)| holds(part)).expect("every term lies in one part");
        let at = |chunk: u64| ends[(chunk - part.chunks.0) as usize] as usize;
        assert_eq!((at(end) - at(start)) as u64, number("/unpacked_length"));
        file.extend_from_slice(&raw[at(start)..at(end)]);
    }
    let skip = answer["offset_into_first_range"].as_u64().expect("a number") as usize;
    file[skip..skip + len].to_vec()
}
