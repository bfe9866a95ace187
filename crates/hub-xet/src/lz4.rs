//! LZ4 frames, decompressed into a buffer that cannot grow.
//!
//! The frame reader of `lz4_flex` inflates as long as there is input, and stops at some odd places
//! without an error (a missing end mark, an empty block), so that what is behind them goes unseen.
//! Here the frame around the blocks is read, strictly: what passes is what every client decodes to the
//! same bytes. The blocks themselves are the library's work.

use lz4_flex::block::{decompress_into, decompress_into_with_dict};
use twox_hash::XxHash32;

const MAGIC: [u8; 4] = 0x184D_2204u32.to_le_bytes();

/// How far back a linked block may refer.
const WINDOW: usize = 64 * 1024;

const STORED_BIT: u32 = 1 << 31;

/// What is wrong with a frame, to follow "the LZ4 data".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("ends too early")]
    Truncated,
    #[error("has a header that is not one of an LZ4 frame")]
    Header,
    #[error("is damaged")]
    Damaged,
    #[error("is longer than the header of the chunk says")]
    TooLong,
    #[error("is shorter than the header of the chunk says")]
    TooShort,
    #[error("is followed by bytes that belong to nothing")]
    Trailing,
}

/// Decompresses one frame, which must be all of `frame` and fill all of `out`.
pub(crate) fn decompress(frame: &[u8], out: &mut [u8]) -> Result<(), FrameError> {
    let mut input = frame;
    let header = Header::read(&mut input)?;
    let mut filled = 0;
    loop {
        let size = u32::from_le_bytes(take(&mut input)?);
        if size == 0 {
            break;
        }
        filled += block(&header, size, &mut input, out, filled)?;
    }
    if header.content_checksum && take(&mut input)? != checksum(&out[..filled]) {
        return Err(FrameError::Damaged);
    }
    if header.content_size.is_some_and(|size| size != filled as u64) {
        return Err(FrameError::Damaged);
    }
    if filled < out.len() {
        return Err(FrameError::TooShort);
    }
    if input.is_empty() { Ok(()) } else { Err(FrameError::Trailing) }
}

/// Decompresses the block of which `size` is the first field, behind the `filled` bytes of `out`.
/// Answers how many bytes it gave.
fn block(header: &Header, size: u32, input: &mut &[u8], out: &mut [u8], filled: usize) -> Result<usize, FrameError> {
    let len = (size & !STORED_BIT) as usize;
    // An empty block is where readers stop as if the frame were over.
    if len == 0 || len > header.max_block {
        return Err(FrameError::Damaged);
    }
    let data = input.split_off(..len).ok_or(FrameError::Truncated)?;
    if header.block_checksums && take(input)? != checksum(data) {
        return Err(FrameError::Damaged);
    }
    let (before, room) = out.split_at_mut(filled);
    let room_len = room.len().min(header.max_block);
    let room = &mut room[..room_len];
    let given = if size & STORED_BIT != 0 {
        room.get_mut(..len).ok_or(FrameError::TooLong)?.copy_from_slice(data);
        len
    } else if header.linked && filled > 0 {
        decompress_into_with_dict(data, room, &before[filled.saturating_sub(WINDOW)..]).map_err(block_error)?
    } else {
        decompress_into(data, room).map_err(block_error)?
    };
    if given == 0 { Err(FrameError::Damaged) } else { Ok(given) }
}

fn block_error(error: lz4_flex::block::DecompressError) -> FrameError {
    match error {
        lz4_flex::block::DecompressError::OutputTooSmall { .. } => FrameError::TooLong,
        _ => FrameError::Damaged,
    }
}

struct Header {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    max_block: usize,
}

impl Header {
    fn read(input: &mut &[u8]) -> Result<Self, FrameError> {
        if take::<4>(input)? != MAGIC {
            return Err(FrameError::Header);
        }
        let described = *input;
        let [flags, descriptor] = take(input)?;
        // Version 1, no reserved bit, no dictionary.
        let known = flags & 0b1100_0011 == 0b0100_0000 && descriptor & 0b1000_1111 == 0;
        let max_block = match descriptor >> 4 {
            4 => 64 * 1024,
            5 => 256 * 1024,
            6 => 1024 * 1024,
            7 => 4 * 1024 * 1024,
            _ => return Err(FrameError::Header),
        };
        if !known {
            return Err(FrameError::Header);
        }
        let content_size = if flags & 0b1000 != 0 { Some(u64::from_le_bytes(take(input)?)) } else { None };
        let described = &described[..described.len() - input.len()];
        let [found] = take(input)?;
        if found != checksum(described)[1] {
            return Err(FrameError::Header);
        }
        Ok(Self {
            linked: flags & 0b10_0000 == 0,
            block_checksums: flags & 0b1_0000 != 0,
            content_checksum: flags & 0b100 != 0,
            content_size,
            max_block,
        })
    }
}

/// The checksum of the frame format, as it stands in a frame.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    XxHash32::oneshot(0, bytes).to_le_bytes()
}

fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], FrameError> {
    let (first, rest) = input.split_first_chunk().ok_or(FrameError::Truncated)?;
    *input = rest;
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
    use proptest::prelude::*;

    use super::*;

    fn frame(data: &[u8], info: FrameInfo) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn text(len: usize) -> Vec<u8> {
        (0..len).map(|index| b"the quick brown fox"[index * index % 19]).collect()
    }

    fn every_kind() -> Vec<FrameInfo> {
        let mut kinds = Vec::new();
        for mode in [BlockMode::Independent, BlockMode::Linked] {
            for size in [BlockSize::Auto, BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max4MB] {
                for checksums in [false, true] {
                    let info = FrameInfo::new().block_mode(mode).block_size(size);
                    kinds.push(info.block_checksums(checksums).content_checksum(checksums));
                }
            }
        }
        kinds
    }

    #[test]
    fn every_kind_of_frame_is_read() {
        for kind in every_kind() {
            for len in [1, 100, 65_536, 65_537, 131_072] {
                let data = text(len);
                let frame = frame(&data, kind.clone());
                let mut out = vec![0; len];
                decompress(&frame, &mut out).unwrap();
                assert_eq!(out, data);
                assert_eq!(decompress(&frame, &mut vec![0; len - 1]), Err(FrameError::TooLong));
                assert_eq!(decompress(&frame, &mut vec![0; len + 1]), Err(FrameError::TooShort));
                assert!(decompress(&frame[..frame.len() - 1], &mut out).is_err());
                let longer = [frame.as_slice(), b"x"].concat();
                assert_eq!(decompress(&longer, &mut out), Err(FrameError::Trailing));
            }
        }
    }

    #[test]
    fn a_frame_without_end_mark_or_with_an_empty_block_is_refused() {
        let data = text(1000);
        let whole = frame(&data, FrameInfo::new());
        let mut out = vec![0; 1000];
        assert_eq!(decompress(&whole[..whole.len() - 4], &mut out), Err(FrameError::Truncated));
        let empty = [&whole[..7], &STORED_BIT.to_le_bytes(), &whole[7..]].concat();
        assert_eq!(decompress(&empty, &mut out), Err(FrameError::Damaged));
        // A block of one token without literals gives nothing.
        let nothing = [&whole[..7], &1u32.to_le_bytes(), &[0], &whole[7..]].concat();
        assert_eq!(decompress(&nothing, &mut out), Err(FrameError::Damaged));
    }

    proptest! {
        /// What passes here, the clients' reader decodes to the same bytes.
        #[test]
        fn what_passes_is_what_clients_read(
            kind in 0usize..16,
            len in 1usize..3000,
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let mut bytes = frame(&text(len), every_kind().swap_remove(kind));
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let mut out = vec![0; len];
            if decompress(&bytes, &mut out).is_ok() {
                let mut theirs = Vec::new();
                FrameDecoder::new(bytes.as_slice()).read_to_end(&mut theirs).unwrap();
                prop_assert_eq!(theirs, out);
            }
        }
    }
}
