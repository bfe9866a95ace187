//! What `hf_xet` 1.8.0 sent for three small files: it must pass, and give the files back.

use std::collections::HashMap;
use std::sync::Arc;

use hub_types::XetHash;

use crate::{Footer, XorbInfo, XorbVerifier, decode, parse_shard, plan};

const XORB: &[u8] = include_bytes!("../testdata/client.xorb");
const SHARD: &[u8] = include_bytes!("../testdata/client.shard");

fn files() -> [Vec<u8>; 3] {
    let floats = (0..1500).flat_map(|at| (((f64::from(at) * 0.3).sin() * 0.02) as f32).to_le_bytes());
    [b"a client said this. ".repeat(400), floats.collect(), b"x".to_vec()]
}

#[test]
fn what_a_client_sends_is_verified_and_gives_its_files_back() {
    check(XORB, SHARD, &files());
    let claimed = |sha256: &str| {
        let files = parse_shard(SHARD).unwrap().files;
        files.iter().any(|file| file.sha256.is_some_and(|found| found.to_hex() == sha256))
    };
    // Of the file `x`, as `sha256sum` prints it.
    assert!(claimed("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"));
}

fn check(body: &[u8], shard: &[u8], files: &[Vec<u8>]) {
    let shard = parse_shard(shard).unwrap();
    assert_eq!((shard.files.len(), shard.xorbs.len()), (files.len(), 1));
    let hash = shard.xorbs[0].hash;
    let mut verifier = XorbVerifier::new(hash, Footer::Refused);
    assert_eq!(verifier.push(body).unwrap(), body.len());
    let info = Arc::new(verifier.finish().unwrap());
    assert_eq!(shard.xorbs[0].chunk_count, info.chunk_count());
    let known: HashMap<XetHash, Arc<XorbInfo>> = HashMap::from([(hash, Arc::clone(&info))]);
    let mut found = Vec::new();
    for file in &shard.files {
        file.verify(|xorb| known.get(xorb).cloned()).unwrap();
        let plan = plan(&file.terms, None, |xorb| known.get(xorb).cloned()).unwrap();
        assert_eq!(plan.offset_into_first_range, 0);
        let mut bytes = Vec::new();
        for term in &plan.terms {
            let stored = info.stored_range(term.start..term.end).unwrap();
            let stored = &body[stored.start as usize..stored.end as usize];
            bytes.extend(decode(&info, term.start..term.end, stored).unwrap());
        }
        assert!(file.sha256.is_some());
        found.push(bytes);
    }
    for file in files {
        assert!(found.contains(file), "{} bytes", file.len());
    }
}
