//! Signatures as git keeps them in commits: one OpenPGP packet in ASCII armour. Only that is given to `gpgv`; what is compressed, or
//! is several signatures, never gets there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";
/// The number of signatures among kinds of packets.
const SIGNATURE: u8 = 2;

/// Whether a text says that it is such a signature.
pub(super) fn is_armored(text: &str) -> bool {
    text.trim_start().starts_with(BEGIN)
}

/// The packet in an armoured text, if it is one signature and nothing else.
pub(super) fn signature_in(text: &str) -> Option<Vec<u8>> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let mut lines = body.split('\n').map(str::trim).skip(1);
    // `Version: …` and the like, up to an empty line.
    if lines.by_ref().take_while(|line| !line.is_empty()).any(|line| !line.contains(": ")) {
        return None;
    }
    let data: String = lines.by_ref().take_while(|line| !line.starts_with('=')).collect();
    // Behind the checksum there is nothing.
    if lines.any(|line| !line.is_empty()) {
        return None;
    }
    let packet = STANDARD.decode(data).ok()?;
    (length_of_signature(&packet)? == packet.len()).then_some(packet)
}

/// The length of the packet that bytes begin with, if it is a signature.
fn length_of_signature(bytes: &[u8]) -> Option<usize> {
    let tag = *bytes.first()?;
    let at = |index: usize| bytes.get(index).copied().map(usize::from);
    let long = || Some(u32::from_be_bytes(bytes.get(2..6)?.try_into().ok()?));
    let is_new = tag & 0xc0 == 0xc0;
    let (kind, header, length) = match (is_new, tag & 0x80) {
        (true, _) => match at(1)? {
            short @ 0..192 => (tag & 0x3f, 2, short),
            first @ 192..224 => (tag & 0x3f, 3, (first - 192) * 256 + at(2)? + 192),
            255 => (tag & 0x3f, 6, usize::try_from(long()?).ok()?),
            // In parts.
            _ => return None,
        },
        (false, 0x80) => match tag & 3 {
            0 => ((tag >> 2) & 0xf, 2, at(1)?),
            1 => ((tag >> 2) & 0xf, 3, at(1)? * 256 + at(2)?),
            // No signature is longer, nor without a length.
            _ => return None,
        },
        _ => return None,
    };
    (kind == SIGNATURE).then(|| length.saturating_add(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armored(packet: &[u8]) -> String {
        format!("{BEGIN}\nVersion: GnuPG v2\n\n{}\n=abcd\n{END}\n", STANDARD.encode(packet))
    }

    #[test]
    fn one_signature_is_read_and_nothing_else() {
        let long = [&[0xc2, 192, 8][..], &[7; 200]].concat();
        let longest = [&[0xc2, 255, 0, 0, 0, 1][..], &[7]].concat();
        for packet in [&[0xc2, 3, 4, 0, 1][..], &[0x88, 3, 4, 0, 1], &[0x89, 0, 3, 4, 0, 1], &long, &longest] {
            assert_eq!(signature_in(&armored(packet)).as_deref(), Some(packet));
            assert_eq!(signature_in(&armored(packet).replace("Version: GnuPG v2\n", "")).as_deref(), Some(packet));
            for length in 0..packet.len() {
                assert_eq!(signature_in(&armored(&packet[..length])), None, "cut off at {length}");
            }
            assert_eq!(signature_in(&armored(&[packet, packet].concat())), None, "two");
        }
        // Compressed, literal, in parts, no packet.
        for packet in [&[0xc8, 3, 4, 0, 1][..], &[0xcb, 3, 4, 0, 1], &[0xc2, 224, 4, 0, 1], &[0x02, 3, 4, 0, 1], &[0x8b, 4]] {
            assert_eq!(signature_in(&armored(packet)), None);
        }
        let twice = armored(&[0xc2, 3, 4, 0, 1]).repeat(2);
        for text in ["", BEGIN, &twice, "-----BEGIN PGP SIGNATURE-----\nx\n\nwgMEAAE=\n-----END PGP SIGNATURE-----"] {
            assert_eq!(signature_in(text), None, "{text}");
        }
    }
}
