//! Takes out of pictures what they say of where, when and with what they were taken. Nothing is decoded: the pixels stay as they are, and
//! with them what is needed to show them (colours, animation, which side is up).

use image::metadata::Orientation;

/// The parts of a JPEG file before its end are named by these bytes.
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COM: u8 = 0xfe;
const EXIF: &[u8] = b"Exif\0\0";
/// The flags of a WebP file that say that it has EXIF and XMP.
const WEBP_METADATA: u8 = 0x08 | 0x04;
const WEBP_EXIF: u8 = 0x08;
/// What of a PNG file is needed to show it, besides what every reader must know.
const PNG_NEEDED: [&[u8; 4]; 13] =
    [b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"acTL", b"fcTL", b"fdAT"];
const PNG_HEAD: usize = 8;
const WEBP_HEAD: usize = 12;

/// A JPEG file without metadata; `None` when it is damaged.
pub(super) fn strip_jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = vec![0xff, SOI];
    let mut rest = bytes.strip_prefix(&[0xff, SOI])?;
    loop {
        // Any number of these may stand before a marker.
        let at = rest.iter().position(|byte| *byte != 0xff)?;
        let marker = *rest.get(at).filter(|_| at > 0)?;
        rest = rest.get(at + 1..)?;
        if marker == EOI {
            // Some cameras put more behind the end: it goes.
            kept.extend_from_slice(&[0xff, EOI]);
            return Some(kept);
        }
        let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
        let (segment, after) = rest.split_at_checked(length)?;
        let content = segment.get(2..)?;
        let needed = match marker {
            APP0 => content.starts_with(b"JFIF\0"),
            APP2 => content.starts_with(b"ICC_PROFILE\0"),
            // Says how colours are kept.
            APP14 => content.starts_with(b"Adobe"),
            APP1..=APP15 | COM => false,
            _ => true,
        };
        if needed {
            kept.extend_from_slice(&[0xff, marker]);
            kept.extend_from_slice(segment);
        }
        if marker == APP1
            && let Some(side) = content.strip_prefix(EXIF).and_then(side_up)
        {
            let exif = [EXIF, &exif_of(side)].concat();
            kept.extend_from_slice(&[0xff, APP1]);
            kept.extend_from_slice(&u16::try_from(exif.len() + 2).ok()?.to_be_bytes());
            kept.extend_from_slice(&exif);
        }
        rest = after;
        if marker == SOS {
            let length = scan_length(rest)?;
            kept.extend_from_slice(rest.get(..length)?);
            rest = rest.get(length..)?;
        }
    }
}

/// How long the pixels are that come after the head of a scan: to the next marker that is not part of them.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| matches!(pair, [0xff, next] if !matches!(*next, 0 | 0xd0..=0xd7 | 0xff)))
}

/// A PNG file without metadata; `None` when it is damaged.
pub(super) fn strip_png(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, mut rest) = bytes.split_at_checked(PNG_HEAD)?;
    let mut kept = head.to_vec();
    loop {
        let length = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        // Length, name, content, checksum.
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        let name: &[u8; 4] = chunk.get(4..8)?.try_into().ok()?;
        if name.first()?.is_ascii_uppercase() || PNG_NEEDED.contains(&name) {
            kept.extend_from_slice(chunk);
        }
        if name == b"IEND" {
            return Some(kept);
        }
        rest = after;
    }
}

/// A WebP file without metadata; `None` when it is damaged.
pub(super) fn strip_webp(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = bytes.split_at_checked(WEBP_HEAD)?;
    let mut kept = head.to_vec();
    // The size counts from the third word on. What is behind it goes.
    let size = usize::try_from(u32::from_le_bytes(head.get(4..8)?.try_into().ok()?)).ok()?;
    let mut rest = rest.get(..size.checked_sub(4)?)?;
    let (mut side, mut flags_at) = (None, None);
    while !rest.is_empty() {
        let length = usize::try_from(u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?)).ok()?;
        let whole = length.checked_add(8)?;
        let chunk = rest.get(..whole)?;
        // Chunks begin at even places.
        rest = rest.get(whole + length % 2..).unwrap_or_default();
        match chunk.get(..4)? {
            b"EXIF" => {
                let exif = chunk.get(8..)?;
                side = side_up(exif.strip_prefix(EXIF).unwrap_or(exif));
            }
            b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH" | b"ANIM" | b"ANMF" | b"ICCP" => {
                if chunk.starts_with(b"VP8X") {
                    flags_at = Some(kept.len() + 8);
                }
                push_chunk(&mut kept, chunk);
            }
            _ => {}
        }
    }
    if let Some(flags) = flags_at.and_then(|at| kept.get_mut(at)) {
        *flags &= !WEBP_METADATA;
        if let Some(side) = side {
            *flags |= WEBP_EXIF;
            let exif = exif_of(side);
            push_chunk(&mut kept, &[b"EXIF".as_slice(), &u32::try_from(exif.len()).ok()?.to_le_bytes(), &exif].concat());
        }
    }
    let size = u32::try_from(kept.len() - 8).ok()?.to_le_bytes();
    kept.get_mut(4..8)?.copy_from_slice(&size);
    Some(kept)
}

fn push_chunk(kept: &mut Vec<u8>, chunk: &[u8]) {
    kept.extend_from_slice(chunk);
    if chunk.len() % 2 == 1 {
        kept.push(0);
    }
}

/// Which side of a picture is up, if it is not the first.
fn side_up(exif: &[u8]) -> Option<u8> {
    Orientation::from_exif_chunk(exif).map(Orientation::to_exif).filter(|side| *side > 1)
}

/// EXIF that says which side is up, and nothing else.
fn exif_of(side: u8) -> [u8; 26] {
    let mut exif = *b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    // The second byte of the value.
    exif[19] = side;
    exif
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, RgbImage};

    use super::*;

    const SECRET: &[u8] = b"taken at 52.5N 13.4E";

    fn file(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture =
            RgbImage::from_fn(30, 20, |x, y| image::Rgb([u8::try_from(x).unwrap() * 8, u8::try_from(y).unwrap() * 8, 9]));
        DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// EXIF that says more than which side is up.
    fn telling() -> Vec<u8> {
        [&exif_of(6)[..], SECRET].concat()
    }

    fn check(file: &[u8], with: &[u8], stripped: &[u8], turned: bool) {
        let finds = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|part| part == SECRET);
        assert!(finds(with) && !finds(stripped), "it is taken out");
        assert_eq!(image::load_from_memory(stripped).unwrap(), image::load_from_memory(file).unwrap(), "the pixels stay");
        let mut decoder = ImageReader::new(Cursor::new(stripped)).with_guessed_format().unwrap().into_decoder().unwrap();
        assert_eq!(decoder.orientation().unwrap() == Orientation::Rotate90, turned);
    }

    #[test]
    fn jpegs_keep_their_pixels_and_which_side_is_up() {
        let file = file(ImageFormat::Jpeg);
        let segment = |marker: u8, content: &[u8]| {
            let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
            [&[0xff, marker][..], &length, content].concat()
        };
        let exif = segment(APP1, &[EXIF, &telling()].concat());
        let more = [segment(APP1, SECRET), segment(0xed, SECRET), segment(COM, SECRET), vec![0xff]].concat();
        let with = [&file[..2], &exif, &more, &file[2..], SECRET].concat();
        check(&file, &with, &strip_jpeg(&with).unwrap(), true);
        check(&file, &[&file[..], SECRET].concat(), &strip_jpeg(&[&file[..], SECRET].concat()).unwrap(), false);
        for end in 0..file.len() {
            assert_eq!(strip_jpeg(&file[..end]), None, "{end}");
        }
    }

    #[test]
    fn pngs_keep_their_pixels() {
        let file = file(ImageFormat::Png);
        let chunk = |name: &[u8; 4]| {
            let mut crc = flate2::Crc::new();
            crc.update(&[&name[..], SECRET].concat());
            let length = u32::try_from(SECRET.len()).unwrap().to_be_bytes();
            [&length[..], name, SECRET, &crc.sum().to_be_bytes()].concat()
        };
        let more: Vec<u8> = [b"tEXt", b"iTXt", b"eXIf", b"tIME", b"prVt"].into_iter().flat_map(chunk).collect();
        // After the head, which is 25 bytes long.
        let with = [&file[..33], &more, &file[33..], SECRET].concat();
        check(&file, &with, &strip_png(&with).unwrap(), false);
        for end in 0..file.len() {
            assert_eq!(strip_png(&file[..end]), None, "{end}");
        }
    }

    #[test]
    fn webps_keep_their_pixels_and_which_side_is_up() {
        let file = file(ImageFormat::WebP);
        let chunk = |name: &[u8], content: &[u8]| {
            let mut chunk = [name, &u32::try_from(content.len()).unwrap().to_le_bytes(), content].concat();
            chunk.resize(chunk.len() + chunk.len() % 2, 0);
            chunk
        };
        // Flags, three bytes of nothing, width and height less one.
        let head = chunk(b"VP8X", &[WEBP_METADATA, 0, 0, 0, 29, 0, 0, 19, 0, 0]);
        let more = [chunk(b"EXIF", &telling()), chunk(b"XMP ", SECRET), chunk(b"what", SECRET)].concat();
        let mut with = [&file[..12], &head, &file[12..], &more].concat();
        let size = u32::try_from(with.len() - 8).unwrap().to_le_bytes();
        with[4..8].copy_from_slice(&size);
        let stripped = strip_webp(&with).unwrap();
        check(&file, &with, &stripped, true);
        assert_eq!(strip_webp(&stripped).unwrap(), stripped);
        assert_eq!(strip_webp(&file).unwrap(), file);
        assert_eq!(strip_webp(&file[..file.len() - 2]), None);
    }
}
