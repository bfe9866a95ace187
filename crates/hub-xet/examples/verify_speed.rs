//! Prints how fast xorbs are built, verified and decoded, in MB/s of uncompressed bytes on one core, and what of a
//! verification is BLAKE3 and LZ4, each done alone on the same chunks:
//! `cargo run --release -p hub-xet --example verify_speed`.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hub_xet::{Chunker, Footer, MAX_CHUNK_BYTES, RangeDecoder, XorbBuilder, XorbVerifier};

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
    let (blake3, lz4) = (hash_alone(&chunks), decompress_alone(&body)?);

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
    // What a verification takes of each, as shares of its time for as many bytes.
    let total = f64::from(ROUNDS) * data.len() as f64;
    let whole = total / 1e6 / verifying;
    let mut parts = format!("BLAKE3 alone {:.0} MB/s, {:.0} %", total / 1e6 / blake3, 100.0 * blake3 / whole);
    let mut rest = whole - blake3;
    if lz4.bytes > 0 {
        let rate = lz4.bytes as f64 / 1e6 / lz4.seconds;
        parts += &format!("; LZ4 alone {rate:.0} MB/s, {:.0} %", 100.0 * lz4.seconds / whole);
        rest -= lz4.seconds;
    }
    println!("{name:>7}: of verify, {parts}; the rest {:.0} %", 100.0 * rest / whole);
    Ok(())
}

/// Seconds to hash all chunks, as they are named, `ROUNDS` times.
fn hash_alone(chunks: &[Vec<u8>]) -> f64 {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for chunk in chunks {
            black_box(blake3::keyed_hash(&[7; 32], chunk));
        }
    }
    start.elapsed().as_secs_f64()
}

/// How long the LZ4 blocks of a xorb take, and how many bytes they give.
struct Decompressed {
    bytes: usize,
    seconds: f64,
}

/// Decompresses the LZ4 blocks of all chunks, with nothing around them, `ROUNDS` times.
fn decompress_alone(body: &[u8]) -> Result<Decompressed, Box<dyn Error>> {
    let blocks = blocks(body)?;
    let mut out = vec![0; MAX_CHUNK_BYTES as usize];
    let mut bytes = 0;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for block in &blocks {
            bytes += lz4_flex::block::decompress_into(block, &mut out)?;
            black_box(&mut out);
        }
    }
    Ok(Decompressed { bytes, seconds: start.elapsed().as_secs_f64() })
}

/// The LZ4 blocks in a xorb that was built here, out of the frames of its chunks.
fn blocks(mut body: &[u8]) -> Result<Vec<&[u8]>, Box<dyn Error>> {
    let mut blocks = Vec::new();
    while !body.is_empty() {
        // Version, stored length, scheme, raw length.
        let &[_, a, b, c, scheme, ..] = take(&mut body, 8)? else { return Err("a chunk without a header".into()) };
        let mut frame = take(&mut body, u32::from_le_bytes([a, b, c, 0]) as usize)?;
        if scheme == 0 {
            continue;
        }
        let &[_, _, _, _, flags, _, _] = take(&mut frame, 7)? else { return Err("a frame without a header".into()) };
        // Version 1 with blocks that need no others, without checksums of them and without the length.
        if flags & 0b1111_1000 != 0b0110_0000 {
            return Err(format!("frames with flags {flags:08b} are not known here").into());
        }
        loop {
            let &[a, b, c, d] = take(&mut frame, 4)? else { return Err("a block without a length".into()) };
            let size = u32::from_le_bytes([a, b, c, d]);
            if size == 0 {
                break;
            }
            let block = take(&mut frame, (size & !(1 << 31)) as usize)?;
            // A block that is stored as it is has nothing to decompress.
            if size >> 31 == 0 {
                blocks.push(block);
            }
        }
    }
    Ok(blocks)
}

/// The first `len` bytes.
fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], Box<dyn Error>> {
    bytes.split_off(..len).ok_or_else(|| "the xorb ends too early".into())
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
