//! What both servers are asked, in this order.

use bytes::Bytes;
use hub_tests::json;
use hub_types::XetHash;
use hub_xet::{FileEntry, XorbInfo, parse_shard};
use reqwest::Method;

use super::super::client::{self, Packed, Xorb, entry, shard};
use super::answers::{self, Answer};
use super::server::Cas;
use crate::lfs::Large;

/// What `hf_xet` 1.8.0 sent for three small files.
const CLIENT_XORB: &[u8] = include_bytes!("../../../../crates/hub-xet/testdata/client.xorb");
const CLIENT_SHARD: &[u8] = include_bytes!("../../../../crates/hub-xet/testdata/client.shard");

/// Random bytes of which no two seeds have a run in common, as neighbouring seeds otherwise would.
fn random(size: usize, seed: u64) -> Vec<u8> {
    client::random(size, seed << 32)
}

/// Asks everything; gives the answers.
pub(super) async fn run(cas: &Cas) -> Vec<Answer> {
    let mut script = Script { cas, answers: Vec::new() };
    // Of several xorbs, with chunks that compress and such that do not.
    let text = b"what is said again and again compresses. ".repeat(10_000);
    let file = Packed::new([random(600_000, 1), text, random(300_000, 2)].concat(), 6);
    let patched = patched(&file);
    let marked = marked();
    script.xorbs(&file).await;
    script.bad_xorbs(&file.xorbs[0]).await;
    script.shards(&file, &patched, &marked).await;
    script.bad_shards().await;
    let xorbs = [file.xorbs.as_slice(), &patched.xorbs].concat();
    for (what, packed) in [("the file", &file), ("the patched file", &patched)] {
        script.ranges(what, packed, &xorbs).await;
    }
    script.no_ranges(&file).await;
    script.client().await;
    for (what, packed) in [("the file", &file), ("the patched file", &patched), ("the marked file", &marked)] {
        script.chunks(what, packed).await;
    }
    script.no_chunks(&file).await;
    script.answers
}

/// A file of chunks of another one: a new chunk between old ones in another order, some twice, some not at all.
fn patched(old: &Packed) -> Packed {
    let new = Xorb::of(&[random(70_000, 3)]);
    let (first, second) = (&old.xorbs[0].info, &old.xorbs[1].info);
    let runs = [(first, 4, 6), (&new.info, 0, 1), (first, 0, 1), (first, 0, 2), (second, 2, 4)];
    let start = |info: &XorbInfo, chunk: u32| if chunk == 0 { 0 } else { info.raw_len(0..chunk).expect("chunks") as usize };
    let second_at = first.total_raw_len() as usize;
    let part = |at: usize, info: &XorbInfo, chunks: [u32; 2]| {
        old.file.bytes[at + start(info, chunks[0])..at + start(info, chunks[1])].to_vec()
    };
    let bytes = [
        part(0, first, [4, 6]),
        random(70_000, 3),
        part(0, first, [0, 1]),
        part(0, first, [0, 2]),
        part(second_at, second, [2, 4]),
    ];
    let entry = entry(&runs);
    packed(bytes.concat(), vec![new.clone()], entry)
}

/// A file with a chunk in its middle that is one of the few that clients ask for: its hash ends so.
fn marked() -> Packed {
    let is_asked_for = |chunk: &Vec<u8>| {
        let hash = *Xorb::of(std::slice::from_ref(chunk)).info.chunks()[0].hash();
        let last: [u8; 8] = hash.as_bytes()[24..].try_into().expect("eight bytes");
        u64::from_le_bytes(last).is_multiple_of(1024)
    };
    let chosen = (0..).map(|seed| random(100, seed)).find(is_asked_for).expect("one in 1024 is");
    let chunks = [random(9_000, 4), chosen, random(9_000, 5)];
    let xorb = Xorb::of(&chunks);
    let entry = entry(&[(&xorb.info, 0, 3)]);
    packed(chunks.concat(), vec![xorb], entry)
}

/// Where the chunks of a file of these xorbs begin and end in it.
fn borders(packed: &Packed, xorbs: &[Xorb]) -> Vec<(usize, usize)> {
    let (mut at, mut borders) = (0, Vec::new());
    for term in &packed.entry.terms {
        let xorb = xorbs.iter().find(|xorb| xorb.hash() == term.xorb).expect("a xorb of the file");
        for len in xorb.info.chunk_lens().take(term.end as usize).skip(term.start as usize) {
            borders.push((at, at + len as usize));
            at += len as usize;
        }
    }
    borders
}

fn packed(bytes: Vec<u8>, xorbs: Vec<Xorb>, mut entry: FileEntry) -> Packed {
    let file = Large::new(bytes);
    entry.sha256 = Some(file.oid.parse().expect("a SHA-256"));
    Packed { file, xorbs, entry }
}

struct Script<'a> {
    cas: &'a Cas,
    answers: Vec<Answer>,
}

impl Script<'_> {
    async fn get(&self, path: &str, range: &str) -> (u16, Bytes) {
        let request = self.cas.request(Method::GET, path);
        self.cas.send(if range.is_empty() { request } else { request.header("Range", range) }).await
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Bytes) {
        self.cas.send(self.cas.request(Method::POST, path).body(body)).await
    }

    async fn xorb(&mut self, question: &str, xorb: &Xorb) {
        let (status, body) = self.post(&format!("/v1/xorbs/default/{}", xorb.hash()), xorb.body.clone()).await;
        self.answers.push(Answer::json(question, status, &body));
    }

    async fn xorbs(&mut self, file: &Packed) {
        let grant = format!("/v1/xorb-grants/default/{}", file.xorbs[0].hash());
        let checksum = json!({ "algo": "crc64nvme", "value": "0" });
        let length = json!({ "length": file.xorbs[0].body.len(), "checksum": checksum });
        let (status, _) = self.cas.send(self.cas.request(Method::POST, &grant).json(&length)).await;
        self.answers.push(Answer::status("is a xorb needed that is new", status));
        for xorb in &file.xorbs {
            self.xorb("a xorb", xorb).await;
        }
        self.xorb("the xorb again", &file.xorbs[0]).await;
        let (status, _) = self.cas.send(self.cas.request(Method::POST, &grant).json(&length)).await;
        self.answers.push(Answer::status("is a xorb needed that is there", status));

        let mut old = Xorb::of(&[random(20_000, 6)]);
        old.body = [&old.body, old.info.to_bytes().expect("written").as_slice()].concat().into();
        self.xorb("a xorb with the footer of older clients", &old).await;
        let mut old = Xorb::of(&[random(20_000, 9)]);
        old.body = [&old.body, b"XETBLOB".as_slice(), &random(50, 9)].concat().into();
        self.xorb("a xorb with a footer that says nothing", &old).await;
    }

    async fn bad_xorbs(&mut self, known: &Xorb) {
        let xorb = Xorb::of(&[random(20_000, 7), b"again ".repeat(2_000)]);
        let (hash, body) = (xorb.hash().to_hex(), xorb.body.to_vec());
        let with = |at: usize, byte: u8| {
            let mut changed = body.clone();
            changed[at] = byte;
            changed
        };
        let other = known.hash().to_hex();
        let bodies = [
            ("nothing", &hash, Vec::new()),
            ("other bytes", &hash, random(20_000, 8)),
            ("a xorb under the hash of another", &other, body.clone()),
            ("a xorb that breaks off", &hash, body[..body.len() - 1].to_vec()),
            ("a header alone", &hash, body[..8].to_vec()),
            ("a byte more", &hash, [body.as_slice(), &[0]].concat()),
            ("another version", &hash, with(0, 1)),
            ("an unknown compression", &hash, with(4, 3)),
            ("a changed byte", &hash, with(100, body[100] ^ 1)),
        ];
        for (what, hash, body) in bodies {
            let (status, _) = self.post(&format!("/v1/xorbs/default/{hash}"), body).await;
            self.answers.push(Answer::status(format!("a bad xorb: {what}"), status));
        }
        for (what, path) in [
            ("no hash", "/v1/xorbs/default/1234".to_owned()),
            ("a digit too few", format!("/v1/xorbs/default/{}", &hash[1..])),
            ("another prefix", format!("/v1/xorbs/other/{hash}")),
        ] {
            let (status, _) = self.post(&path, body.clone()).await;
            self.answers.push(Answer::status(format!("a xorb to a bad address: {what}"), status));
        }
    }

    async fn shard(&mut self, question: &str, version: u8, bytes: Vec<u8>) {
        let (status, body) = self.post(&format!("/v{version}/shards"), bytes).await;
        self.answers.push(match version {
            1 => Answer::json(question, status, &body),
            _ => answers::last_line(question, status, &body),
        });
    }

    async fn shards(&mut self, file: &Packed, patched: &Packed, marked: &Packed) {
        self.shard("a shard without files", 1, shard(&[], &[])).await;
        for (what, packed, versions) in [("a shard", file, [1, 2]), ("a patch", patched, [2, 1]), ("a mark", marked, [2, 1])] {
            if !std::ptr::eq(packed, file) {
                for xorb in &packed.xorbs {
                    self.xorb("a xorb", xorb).await;
                }
            }
            for version in versions {
                self.shard(&format!("{what} is sent, v{version}"), version, packed.shard()).await;
                self.shard(&format!("{what} is sent again, v{version}"), version, packed.shard()).await;
            }
        }
    }

    async fn bad_shards(&mut self) {
        let early = Packed::new(random(100_000, 10), 100);
        let liar = Packed::new(random(300_000, 11), 2);
        for xorb in &liar.xorbs {
            self.xorb("a xorb", xorb).await;
        }
        let other = early.entry.hash;
        let infos: Vec<&XorbInfo> = liar.xorbs.iter().map(|xorb| &xorb.info).collect();
        let lie = |change: &dyn Fn(&mut FileEntry)| {
            let mut changed = liar.entry.clone();
            change(&mut changed);
            shard(&[changed], &infos)
        };
        let good = liar.shard();
        for version in [1, 2] {
            self.shard("a shard before its xorbs", version, early.shard()).await;
            for (what, bytes) in [
                ("nothing", Vec::new()),
                ("other bytes", random(10_000, 12)),
                ("a header alone", good[..48].to_vec()),
                ("breaks off between records", good[..good.len() - 48].to_vec()),
                ("breaks off", good[..good.len() - 1].to_vec()),
                ("a record more", [good.as_slice(), &[0; 48]].concat()),
            ] {
                self.shard(&format!("a broken shard: {what}"), version, bytes).await;
            }
            for (what, bytes) in [
                ("a wrong proof", lie(&|file| file.proofs[1] = other)),
                ("no proofs", lie(&|file| file.proofs.clear())),
                ("the hash of another file", lie(&|file| file.hash = XetHash::from_bytes([7; 32]))),
                ("a byte too many", lie(&|file| file.terms[0].raw_len += 1)),
                ("chunks behind the last", lie(&|file| file.terms[0].end += 1)),
                ("another order", lie(&|file| file.terms.swap(0, 1))),
                ("the SHA-256 of another", lie(&|file| file.sha256 = early.entry.sha256)),
            ] {
                self.shard(&format!("a lying shard: {what}"), version, bytes).await;
            }
            self.reconstruct(version, "a file that came before its xorbs", &other, "", &[]).await;
        }
    }

    async fn reconstruct(&mut self, version: u8, what: &str, hash: &XetHash, range: &str, expected: &[u8]) {
        let (status, body) = self.get(&format!("/v{version}/reconstructions/{hash}"), range).await;
        let question = format!("v{version} of {what} {range}");
        let answer = answers::reconstruction(self.cas, question, status, &body, expected).await;
        self.answers.push(answer);
    }

    /// Asks for all kinds of ranges of a file.
    async fn ranges(&mut self, what: &str, packed: &Packed, xorbs: &[Xorb]) {
        let bytes = &packed.file.bytes;
        let (hash, size) = (packed.entry.hash, bytes.len());
        let mut ranges =
            vec![(0, 0), (0, size - 1), (1, 1), (size - 1, size - 1), (size - 1, size + 500), (size / 2, u32::MAX as usize)];
        for (start, end) in borders(packed, xorbs) {
            ranges.extend([(start, end - 1), (start, end), (start.saturating_sub(90_000), end - 1)]);
        }
        let seeds = random(16 * 8, 13);
        for seed in seeds.chunks(16) {
            let number = |at: usize| u64::from_le_bytes(seed[at..at + 8].try_into().expect("eight bytes")) as usize % size;
            ranges.push((number(0).min(number(8)), number(0).max(number(8))));
        }
        for version in [1, 2] {
            self.reconstruct(version, what, &hash, "", bytes).await;
            for (first, last) in &ranges {
                let expected = bytes.get(*first..(last + 1).min(size)).unwrap_or_default();
                self.reconstruct(version, what, &hash, &format!("bytes={first}-{last}"), expected).await;
            }
            let middle = size / 3;
            self.reconstruct(version, what, &hash, &format!("bytes={middle}-"), &bytes[middle..]).await;
            self.reconstruct(version, what, &hash, &format!("bytes={}-", size + 1), &[]).await;
        }
    }

    async fn no_ranges(&mut self, file: &Packed) {
        let unknown = XetHash::from_bytes([9; 32]);
        for version in [1, 2] {
            for range in ["", "bytes=0-99"] {
                let (status, _) = self.get(&format!("/v{version}/reconstructions/{unknown}"), range).await;
                self.answers.push(Answer::status(format!("an unknown file, v{version} {range}"), status));
            }
            for range in ["bytes=5-4", "bytes=x-1", "lines=1-2", "5-6", "bytes=-", "bytes=-5"] {
                let (status, _) = self.get(&format!("/v{version}/reconstructions/{}", file.entry.hash), range).await;
                self.answers.push(Answer::status(format!("a bad range: {range}, v{version}"), status));
            }
            let (status, _) = self.get(&format!("/v{version}/reconstructions/12"), "").await;
            self.answers.push(Answer::status(format!("a file that is none, v{version}"), status));
            let nobody = self.cas.anonymous();
            let path = format!("/v{version}/reconstructions/{}", file.entry.hash);
            let (status, _) = nobody.send(nobody.request(Method::GET, &path)).await;
            self.answers.push(Answer::status(format!("without a token, v{version}"), status));
        }
    }

    /// Sends what a client has sent, and asks for its files.
    async fn client(&mut self) {
        let said = parse_shard(CLIENT_SHARD).expect("it is a shard");
        let path = format!("/v1/xorbs/default/{}", said.xorbs[0].hash);
        let (status, body) = self.post(&path, CLIENT_XORB).await;
        self.answers.push(Answer::json("a client's xorb", status, &body));
        self.shard("a client's shard", 2, CLIENT_SHARD.to_vec()).await;
        for file in &said.files {
            for version in [1, 2] {
                self.reconstruct(version, "a client's file", &file.hash, "", &[]).await;
                self.reconstruct(version, "a client's file", &file.hash, "bytes=0-0", &[]).await;
            }
        }
    }

    async fn chunk(&mut self, question: String, prefix: &str, hash: &str, packed: &Packed) {
        let (status, body) = self.get(&format!("/v1/chunks/{prefix}/{hash}"), "").await;
        self.answers.push(answers::about_chunk(question, status, &body, packed));
    }

    /// Asks for each chunk of the xorbs that came with a file.
    async fn chunks(&mut self, what: &str, packed: &Packed) {
        for (number, xorb) in packed.xorbs.iter().enumerate() {
            for (at, chunk) in xorb.info.chunks().iter().enumerate() {
                let question = format!("chunk {at} of xorb {number} of {what}");
                self.chunk(question, "default", &chunk.hash().to_hex(), packed).await;
            }
        }
    }

    async fn no_chunks(&mut self, file: &Packed) {
        let first = file.xorbs[0].info.chunks()[0].hash().to_hex();
        self.chunk("the chunk in the words of the documents".to_owned(), "default-merkledb", &first, file).await;
        for (what, prefix, hash) in
            [("unknown", "default", "7".repeat(64)), ("no hash", "default", "7".repeat(63)), ("another prefix", "other", first)]
        {
            let (status, _) = self.get(&format!("/v1/chunks/{prefix}/{hash}"), "").await;
            self.answers.push(Answer::status(format!("a chunk that is none: {what}"), status));
        }
    }
}
