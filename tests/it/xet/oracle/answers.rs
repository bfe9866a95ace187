//! What servers answer, in one form: without what may differ freely (words of errors, addresses, keys of the day), and with
//! what is behind it (bytes that addresses lead to, chunks that can be found).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use hub_tests::{Value, json};
use sha2::{Digest as _, Sha256};
use xet_core_structures::merklehash::MerkleHash;
use xet_core_structures::metadata_shard::MDBShardInfo;
use xet_core_structures::metadata_shard::streaming_shard::MDBMinimalShard;
use xet_core_structures::xorb_object::deserialize_chunks;

use super::super::client::Packed;
use super::server::Cas;

/// An answer to a question: fields with their values.
pub(super) struct Answer {
    pub(super) question: String,
    fields: BTreeMap<String, Value>,
}

impl Answer {
    /// A refusal, or an answer of which only the status counts.
    pub(super) fn status(question: impl Into<String>, status: u16) -> Self {
        Self { question: question.into(), fields: BTreeMap::from([("status".to_owned(), status.into())]) }
    }

    /// An answer with the fields of a JSON object, if it is a success.
    pub(super) fn json(question: impl Into<String>, status: u16, body: &[u8]) -> Self {
        let mut answer = Self::status(question, status);
        if status == 200 {
            let body: Value = serde_json::from_slice(body).expect("JSON");
            for (name, value) in body.as_object().expect("an object") {
                answer.set(name, value.clone());
            }
        }
        answer
    }

    pub(super) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    /// The fields in which two answers to a question differ; what one of them lacks is null. With another status, the rest
    /// says nothing.
    pub(super) fn differences<'a>(&'a self, other: &'a Self) -> Vec<(&'a str, Value, Value)> {
        let mut names: BTreeSet<&String> = self.fields.keys().chain(other.fields.keys()).collect();
        if self.fields["status"] != other.fields["status"] {
            names.retain(|name| *name == "status");
        }
        let value = |answer: &Self, name: &String| answer.fields.get(name).cloned().unwrap_or_default();
        let both = names.into_iter().map(|name| (name.as_str(), value(self, name), value(other, name)));
        both.filter(|(_, ours, theirs)| ours != theirs).collect()
    }
}

/// The end of an answer in lines (`/v2/shards`): what went before only says that work goes on.
pub(super) fn last_line(question: &str, status: u16, body: &[u8]) -> Answer {
    let line = body.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Answer::json(question, status, line)
}

/// A run of chunks of a xorb that a reconstruction names.
struct Place {
    xorb: String,
    chunks: (u64, u64),
    bytes: (u64, u64),
    url: String,
}

fn pair(value: &Value) -> (u64, u64) {
    let number = |name: &str| value[name].as_u64().expect("a number");
    (number("start"), number("end"))
}

/// The places in an answer of either version, by xorb and in order; and how many addresses lead there.
fn places(answer: &Value) -> (Vec<Place>, usize) {
    let (mut places, mut addresses) = (Vec::new(), 0);
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let url = |value: &Value| value["url"].as_str().expect("an address").to_owned();
    for (xorb, entries) in answer["fetch_info"].as_object().into_iter().flatten() {
        for entry in list(entries) {
            addresses += 1;
            let (chunks, bytes) = (pair(&entry["range"]), pair(&entry["url_range"]));
            places.push(Place { xorb: xorb.clone(), chunks, bytes, url: url(&entry) });
        }
    }
    for (xorb, entries) in answer["xorbs"].as_object().into_iter().flatten() {
        for entry in list(entries) {
            addresses += 1;
            for range in list(&entry["ranges"]) {
                let (chunks, bytes) = (pair(&range["chunks"]), pair(&range["bytes"]));
                places.push(Place { xorb: xorb.clone(), chunks, bytes, url: url(&entry) });
            }
        }
    }
    (places, addresses)
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A reconstruction, with what lies at its places. What comes of it must begin with `expected`: clients cut the end off.
pub(super) async fn reconstruction(cas: &Cas, question: String, status: u16, body: &[u8], expected: &[u8]) -> Answer {
    let mut answer = Answer::status(question, status);
    if status != 200 {
        return answer;
    }
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let (places, addresses) = places(&body);
    let (mut shown, mut statuses, mut chunks) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    for place in places {
        let (status, stored) = cas.fetch(&place.url, place.bytes.0, place.bytes.1).await;
        statuses.insert(status);
        let (raw, ends) = deserialize_chunks(&mut Cursor::new(&stored)).expect("the chunks decode");
        for (chunk, ends) in (place.chunks.0..place.chunks.1).zip(ends.windows(2)) {
            chunks.insert((place.xorb.clone(), chunk), raw[ends[0] as usize..ends[1] as usize].to_vec());
        }
        assert_eq!(ends.len() as u64, place.chunks.1 - place.chunks.0 + 1, "as many chunks as were promised");
        shown.push(json!([place.xorb, place.chunks, place.bytes, digest(&stored)]));
    }
    let mut file = Vec::new();
    for term in body["terms"].as_array().expect("a list") {
        let xorb = term["hash"].as_str().expect("a hash");
        for chunk in pair(&term["range"]).0..pair(&term["range"]).1 {
            file.extend_from_slice(&chunks[&(xorb.to_owned(), chunk)]);
        }
    }
    let skipped = body["offset_into_first_range"].as_u64().expect("a number") as usize;
    assert!(file[skipped..].starts_with(expected), "{}: other bytes", answer.question);
    answer.set("offset_into_first_range", skipped);
    answer.set("terms", body["terms"].clone());
    answer.set("an address for each place", addresses == shown.len());
    answer.set("places", shown);
    answer.set("fetched with", json!(statuses));
    answer
}

/// An answer about a chunk, as who has the file reads it: which of its chunks can be found in which xorb.
pub(super) fn about_chunk(question: String, status: u16, body: &[u8], packed: &Packed) -> Answer {
    let mut answer = Answer::status(question, status);
    if status != 200 {
        return answer;
    }
    let shard = MDBShardInfo::load_from_reader(&mut Cursor::new(body)).expect("a shard with a footer");
    let key = shard.metadata.chunk_hash_hmac_key;
    let is_keyed = key != MerkleHash::default();
    let views = MDBMinimalShard::from_reader(&mut Cursor::new(body), true, true).expect("a shard");
    let mut found = BTreeMap::new();
    for xorb in (0..views.num_xorb()).filter_map(|at| views.xorb(at)) {
        let chunks: Vec<MerkleHash> = (0..xorb.num_entries()).map(|at| xorb.chunk(at).chunk_hash).collect();
        found.insert(xorb.xorb_hash().hex(), chunks);
    }
    let mut named = Vec::new();
    for xorb in &packed.xorbs {
        let known = xorb.info.chunks().iter().map(|chunk| MerkleHash::from(chunk.hash().as_bytes()));
        let known: Vec<MerkleHash> = known.map(|hash| if is_keyed { hash.hmac(key) } else { hash }).collect();
        named.push(found.remove(&xorb.hash().to_hex()).is_some_and(|chunks| chunks == known));
    }
    answer.set("names each xorb with its chunks", json!(named));
    answer.set("names others", found.len());
    answer.set("names files", views.num_files() > 0);
    answer.set("is keyed", is_keyed);
    answer.set("expires", shard.metadata.shard_key_expiry > 0);
    answer
}
