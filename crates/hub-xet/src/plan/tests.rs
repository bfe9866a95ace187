//! Plans against a model that looks at every byte.

use proptest::prelude::*;

use super::*;
use crate::xorb::{XorbBuilder, decode};

type Stored = HashMap<XetHash, (Vec<u8>, Arc<XorbInfo>)>;

/// Xorbs of small chunks with contents of their own.
fn xorbs(sizes: &[Vec<u8>]) -> (Vec<XetHash>, Stored) {
    let mut stored = Stored::new();
    let mut order = Vec::new();
    for (seed, sizes) in sizes.iter().enumerate() {
        let mut builder = XorbBuilder::new();
        for (index, size) in sizes.iter().enumerate() {
            let chunk: Vec<u8> = (0..=*size).map(|at| at.wrapping_mul(31) ^ (seed * 50 + index) as u8).collect();
            builder.add(&chunk).unwrap();
        }
        let (body, info) = builder.finish().unwrap();
        order.push(*info.hash());
        stored.insert(*info.hash(), (body.to_vec(), Arc::new(info)));
    }
    (order, stored)
}

fn term(stored: &Stored, xorb: XetHash, start: u32, end: u32) -> Term {
    Term { xorb, start, end, raw_len: stored[&xorb].1.raw_len(start..end).unwrap() }
}

fn file_of(stored: &Stored, terms: &[Term]) -> Vec<u8> {
    let mut file = Vec::new();
    for term in terms {
        let (body, info) = &stored[&term.xorb];
        let bytes = info.stored_range(term.start..term.end).unwrap();
        let body = &body[bytes.start as usize..bytes.end as usize];
        file.extend(decode(info, term.start..term.end, body).unwrap());
    }
    file
}

/// Makes the wanted bytes from the ranges of a plan only, as a client does.
fn follow(stored: &Stored, plan: &Plan) -> Vec<u8> {
    let mut out = Vec::new();
    for term in &plan.terms {
        let xorb = plan.xorbs.iter().find(|xorb| xorb.hash == term.xorb).unwrap();
        let inside: Vec<_> =
            xorb.ranges.iter().filter(|range| range.chunks.start <= term.start && term.end <= range.chunks.end).collect();
        assert_eq!(inside.len(), 1, "a term lies inside exactly one range");
        let (body, info) = &stored[&term.xorb];
        let bytes = *inside[0].bytes.start() as usize..=*inside[0].bytes.end() as usize;
        let raw = decode(info, inside[0].chunks.clone(), &body[bytes]).unwrap();
        let skip = info.raw_len(0..term.start).unwrap_or(0) - info.raw_len(0..inside[0].chunks.start).unwrap_or(0);
        out.extend_from_slice(&raw[skip as usize..][..term.raw_len as usize]);
    }
    let skip = plan.offset_into_first_range as usize;
    out[skip..skip + (plan.bytes.end - plan.bytes.start) as usize].to_vec()
}

/// The chunks of each xorb that overlap the wanted bytes.
fn used(stored: &Stored, terms: &[Term], bytes: &Range<u64>) -> Vec<(XetHash, u32)> {
    let mut used = Vec::new();
    let mut at = 0;
    for term in terms {
        for chunk in term.start..term.end {
            let end = at + u64::from(stored[&term.xorb].1.raw_len(chunk..chunk + 1).unwrap());
            if end > bytes.start && at < bytes.end {
                used.push((term.xorb, chunk));
            }
            at = end;
        }
    }
    used.sort_unstable();
    used.dedup();
    used
}

fn check(stored: &Stored, terms: &[Term], wanted: Option<Range<u64>>) {
    let file = file_of(stored, terms);
    let plan = plan(terms, wanted.clone(), |xorb| Some(Arc::clone(&stored[xorb].1))).unwrap();
    let bytes = wanted.map_or(0..file.len() as u64, |range| range.start..range.end.min(file.len() as u64));
    assert_eq!(plan.bytes, bytes);
    assert_eq!(follow(stored, &plan), file[bytes.start as usize..bytes.end as usize]);
    let mut planned = Vec::new();
    for xorb in &plan.xorbs {
        assert!(!xorb.ranges.is_empty());
        assert!(xorb.ranges.windows(2).all(|pair| pair[0].chunks.end < pair[1].chunks.start));
        for range in &xorb.ranges {
            planned.extend(range.chunks.clone().map(|chunk| (xorb.hash, chunk)));
        }
    }
    planned.sort_unstable();
    assert_eq!(planned, used(stored, terms, &bytes), "exactly the chunks that are used");
}

#[test]
fn xorbs_may_come_one_by_one_in_any_order() {
    let (order, stored) = xorbs(&[vec![9, 30, 4], vec![7], vec![100, 2, 60]]);
    let terms = [(0, 0, 2), (2, 1, 3), (1, 0, 1), (0, 2, 3), (2, 0, 1), (0, 0, 1)];
    let terms: Vec<Term> = terms.iter().map(|(xorb, start, end)| term(&stored, order[*xorb], *start, *end)).collect();
    let len: u64 = terms.iter().map(|term| u64::from(term.raw_len)).sum();
    for start in 0..len {
        for wanted in [start..start + 1, start..len, 0..start + 1, start..u64::MAX] {
            let at_once = plan(&terms, Some(wanted.clone()), |xorb| Some(Arc::clone(&stored[xorb].1))).unwrap();
            let mut planner = Planner::new(&terms, Some(wanted)).unwrap();
            assert_eq!(planner.term_count(), at_once.terms.len());
            for xorb in planner.xorbs().iter().rev().chain(&order) {
                planner.add(&stored[xorb].1).unwrap();
            }
            assert_eq!(planner.finish().unwrap(), at_once);
        }
    }
    let mut planner = Planner::new(&terms, None).unwrap();
    planner.add(&stored[&order[0]].1).unwrap();
    planner.add(&stored[&order[1]].1).unwrap();
    assert_eq!(planner.finish(), Err(PlanError::UnknownXorb(order[2])));
}

#[test]
fn ranges_outside_the_file_are_told_apart() {
    let (order, stored) = xorbs(&[vec![9, 9]]);
    let terms = [term(&stored, order[0], 0, 2)];
    let ask = |wanted| plan(&terms, Some(wanted), |xorb| Some(Arc::clone(&stored[xorb].1)));
    assert_eq!(ask(0..u64::MAX).unwrap().bytes, 0..20);
    assert_eq!(ask(20..21), Err(PlanError::PastEnd { start: 20, file_len: 20 }));
    assert_eq!(ask(u64::MAX - 1..u64::MAX).unwrap_err(), PlanError::PastEnd { start: u64::MAX - 1, file_len: 20 });
    assert_eq!(ask(5..5), Err(PlanError::EmptyRange));
    assert_eq!(plan(&terms, None, |_| None), Err(PlanError::UnknownXorb(order[0])));
    let wrong = [Term { raw_len: 21, ..terms[0] }];
    let lookup = |xorb: &XetHash| Some(Arc::clone(&stored[xorb].1));
    assert_eq!(plan(&wrong, None, lookup), Err(PlanError::Inconsistent(order[0])));
    assert_eq!(plan(&[Term { end: 3, ..terms[0] }], None, lookup), Err(PlanError::Inconsistent(order[0])));
    let nothing = plan(&[], None, lookup).unwrap();
    assert!(nothing.terms.is_empty() && nothing.xorbs.is_empty());
}

#[test]
fn long_files_are_planned_quickly() {
    let (order, stored) = xorbs(&[vec![1; 200], vec![2; 200], vec![3; 200]]);
    let terms: Vec<_> =
        (0..600_000u32).map(|index| term(&stored, order[index as usize % 3], index % 199, index % 199 + 1)).collect();
    let start = std::time::Instant::now();
    let plan = plan(&terms, None, |xorb| Some(Arc::clone(&stored[xorb].1))).unwrap();
    assert_eq!((plan.terms.len(), plan.xorbs.len()), (600_000, 3));
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn plans_are_as_the_model_says(
        sizes in proptest::collection::vec(proptest::collection::vec(0u8..40, 1..12), 1..4),
        picks in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u8>()), 1..15),
        wanted in proptest::option::of((any::<prop::sample::Index>(), 1u64..600)),
    ) {
        let (order, stored) = xorbs(&sizes);
        let terms: Vec<_> = picks.into_iter().map(|(xorb, start, len)| {
            let xorb = order[xorb as usize % order.len()];
            let count = stored[&xorb].1.chunk_count();
            let start = u32::from(start) % count;
            term(&stored, xorb, start, start + 1 + u32::from(len) % (count - start))
        }).collect();
        let len = file_of(&stored, &terms).len();
        check(&stored, &terms, wanted.map(|(start, len_wanted)| {
            let start = start.index(len) as u64;
            start..start + len_wanted
        }));
    }
}
