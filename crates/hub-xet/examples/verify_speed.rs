//! Prints how fast xorbs are built, verified and decoded, in MB/s of uncompressed bytes on one core:
//! `cargo run --release -p hub-xet --example verify_speed`.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hub_xet::{Chunker, Footer, RangeDecoder, XorbBuilder, XorbVerifier};

const LEN: usize = 48 * 1024 * 1024;
const ROUNDS: u32 = 8;

fn main() -> Result<(), Box<dyn Error>> {
    for (name, data) in [("random", random(LEN)), ("text", text()), ("f32", floats())] {
        measure(name, &data)?;
    }
    Ok(())
}

fn measure(name: &str, data: &[u8]) -> Result<(), Box<dyn Error>> {
    let speed = |start: Instant, rounds: u32| f64::from(rounds) * data.len() as f64 / 1e6 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let chunks = cut(data);
    let cutting = speed(start, 1);

    let start = Instant::now();
    let mut builder = XorbBuilder::new();
    for chunk in &chunks {
        builder.add(chunk)?;
    }
    let (body, info) = builder.finish()?;
    let building = speed(start, 1);

    let start = Instant::now();
    for _ in 0..ROUNDS {
        let mut verifier = XorbVerifier::new(*info.hash(), Footer::Refused);
        // As bodies come from the network.
        for piece in body.chunks(64 * 1024) {
            verifier.push(piece)?;
        }
        black_box(verifier.finish()?);
    }
    let verifying = speed(start, ROUNDS);

    let info = Arc::new(info);
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let mut decoder = RangeDecoder::new(Arc::clone(&info), 0..info.chunk_count())?;
        let mut rest = body.as_ref();
        while !rest.is_empty() {
            black_box(decoder.next(&mut rest)?);
        }
        decoder.finish()?;
    }
    let decoding = speed(start, ROUNDS);
    let ratio = body.len() as f64 / data.len() as f64;
    println!(
        "{name:>7}: cut {cutting:5.0}  build {building:5.0}  verify {verifying:5.0}  decode {decoding:5.0} MB/s, \
         stored {ratio:.3}, {} chunks",
        info.chunk_count()
    );
    Ok(())
}

fn cut(data: &[u8]) -> Vec<Vec<u8>> {
    let mut chunker = Chunker::new();
    let mut chunks = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        chunks.extend(chunker.next(&mut rest).map(|chunk| chunk.into_owned()));
    }
    chunks.extend(chunker.finish());
    chunks
}

/// A small generator: the numbers need not be good, only incompressible and the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn random(len: usize) -> Vec<u8> {
    let mut numbers = Numbers(1);
    (0..len / 8).flat_map(|_| numbers.next().to_le_bytes()).collect()
}

fn text() -> Vec<u8> {
    let mut numbers = Numbers(2);
    let words: Vec<Vec<u8>> = (0..5000)
        .map(|_| {
            let len = 2 + numbers.next() % 9;
            (0..len).map(|_| b'a' + (numbers.next() % 26) as u8).collect()
        })
        .collect();
    let mut text = Vec::with_capacity(LEN + 16);
    while text.len() < LEN {
        let word = numbers.next() as usize;
        text.extend_from_slice(&words[(word % words.len()).min((word >> 32) % words.len())]);
        text.push(b' ');
    }
    text
}

/// About normally distributed, as weights are.
fn floats() -> Vec<u8> {
    let mut numbers = Numbers(3);
    let mut one = || {
        let sum: u64 = (0..4).map(|_| numbers.next() >> 32).sum();
        ((sum as f64 / f64::from(u32::MAX) - 2.0) * 0.02) as f32
    };
    (0..LEN / 4).flat_map(|_| one().to_le_bytes()).collect()
}
