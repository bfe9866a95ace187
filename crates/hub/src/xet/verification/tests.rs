use hub_types::Sha256;
use hub_xet::{FileHasher, Term, XorbBuilder, XorbInfo, XorbSection};

use super::*;

fn xorb(seed: u32, chunks: u32) -> Arc<Xorb> {
    let mut builder = XorbBuilder::new();
    for chunk in 0..chunks {
        builder.add(&[seed.to_le_bytes(), chunk.to_le_bytes()].concat()).unwrap();
    }
    Arc::new(Xorb { nonce: i64::from(seed), info: Arc::new(builder.finish().unwrap().1) })
}

fn file(runs: &[(&XorbInfo, u32, u32)]) -> FileEntry {
    let (mut hasher, mut terms, mut proofs) = (FileHasher::new(), Vec::new(), Vec::new());
    for (info, start, end) in runs {
        let raw_len = info.raw_len(*start..*end).unwrap();
        terms.push(Term { xorb: *info.hash(), start: *start, end: *end, raw_len });
        proofs.push(info.range_hash(*start..*end).unwrap());
        for (chunk, len) in info.chunks().iter().zip(info.chunk_lens()).take(*end as usize).skip(*start as usize) {
            hasher.push(chunk.hash(), len);
        }
    }
    FileEntry { hash: hasher.finish().unwrap(), terms, proofs, sha256: None::<Sha256> }
}

fn window(xorbs: &[Arc<Xorb>], hashes: &[XetHash]) -> Window {
    let found = xorbs.iter().filter(|xorb| hashes.contains(xorb.info.hash()));
    Window { xorbs: found.map(|xorb| (*xorb.info.hash(), Arc::clone(xorb))).collect(), _room: None }
}

/// Checks a shard as the hub does; gives how many xorbs were looked at together each time.
fn run_all(shard: Shard, xorbs: &[Arc<Xorb>]) -> HubResult<(Vec<usize>, Checked)> {
    let mut work = Verification::new(shard);
    let mut looks = Vec::new();
    while let Some(run) = work.next_run() {
        looks.push(run.xorbs.len());
        work.check(&run, &window(xorbs, &run.xorbs))?;
    }
    Ok((looks, work.finish()))
}

#[test]
fn however_many_xorbs_a_shard_names_few_are_looked_at_together() {
    let xorbs: Vec<_> = (0..130).map(|seed| xorb(seed, 3)).collect();
    let infos: Vec<&XorbInfo> = xorbs.iter().map(|xorb| xorb.info.as_ref()).collect();
    let all: Vec<_> = infos.iter().map(|info| (*info, 0, 3)).collect();
    let back: Vec<_> = infos.iter().rev().map(|info| (*info, 1, 2)).collect();
    let small = file(&[(infos[7], 2, 3)]);
    let files = vec![small.clone(), file(&all), file(&back), file(&[(infos[3], 0, 3), (infos[3], 1, 2)])];
    let flagged = vec![XorbSection { hash: *infos[5].hash(), chunk_count: 3, flagged: vec![1, 2, 9] }];
    let (looks, checked) = run_all(Shard { files: files.clone(), xorbs: flagged }, &xorbs).unwrap();
    assert!(looks.iter().all(|look| *look <= LISTS_AT_ONCE), "{looks:?}");
    assert!(looks.iter().rev().skip(1).all(|look| *look == LISTS_AT_ONCE), "{looks:?}");
    assert_eq!(checked.files, files);
    let indexed: Vec<_> = checked.chunks.into_iter().zip(checked.xorbs).collect();
    for (xorb, chunk) in [(7, 2), (0, 0), (129, 1), (3, 0), (5, 1), (5, 2)] {
        let wanted = (*infos[xorb].chunks()[chunk].hash(), *infos[xorb].hash());
        assert!(indexed.contains(&wanted), "chunk {chunk} of xorb {xorb}");
    }

    // What does not hold is found wherever it lies.
    for at in [0, 47, 48, 100, 129] {
        let mut wrong = file(&all);
        wrong.proofs[at] = *infos[0].hash();
        run_all(Shard { files: vec![small.clone(), wrong], xorbs: Vec::new() }, &xorbs).unwrap_err();
    }
    let mut wrong = file(&all);
    wrong.hash = small.hash;
    run_all(Shard { files: vec![wrong], xorbs: Vec::new() }, &xorbs).unwrap_err();
    run_all(Shard { files: vec![file(&all)], xorbs: Vec::new() }, &xorbs[..129]).unwrap_err();
}

#[test]
fn a_shard_that_leads_back_and_forth_without_end_is_refused() {
    let xorb = xorb(1, 8192);
    let hashes = [*xorb.info.hash()];
    let mut work = Verification::new(Shard { files: Vec::new(), xorbs: Vec::new() });
    let most = MAX_SHARD_FILE_CHUNKS / 8192;
    for _ in 0..most {
        work.count(&window(std::slice::from_ref(&xorb), &hashes)).unwrap();
    }
    work.count(&window(std::slice::from_ref(&xorb), &hashes)).unwrap_err();
}
