//! The framing of git's wire protocol: `gitprotocol-common`, "pkt-line format".
//!
//! A packet is four hex digits that give its length including themselves, then the payload. The
//! lengths 0 to 2 are marks without payload.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The most payload one packet can carry, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 65_516;

/// The payload of a side-band packet is one byte smaller: the first one names the band.
const MAX_BAND_BYTES: usize = MAX_PAYLOAD_BYTES - 1;

/// One packet as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// A payload, possibly empty.
    Data(Vec<u8>),
    /// `0000`: the end of a list.
    Flush,
    /// `0001`: the end of a section (protocol version 2).
    Delimiter,
    /// `0002`: the end of a response (protocol version 2).
    ResponseEnd,
}

/// The channels that share a connection under `side-band-64k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    /// What the program on the other side reads.
    Data = 1,
    /// What the person on the other side reads, shown with `remote: ` in front.
    Progress = 2,
}

/// What is wrong with a packet.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// The four length bytes are not hex digits, or name an impossible length.
    #[error("`{0}` is not the length of a packet")]
    BadLength(String),
    /// The stream ended within a packet.
    #[error("the request ends in the middle of a packet")]
    Truncated,
    /// The stream failed.
    #[error("the request could not be read")]
    Io(#[source] std::io::Error),
}

/// Reads one packet; `None` if the stream ends before one starts.
///
/// # Errors
/// The length is malformed, or the stream fails or ends in the middle.
pub async fn read_packet<R: AsyncRead + Unpin>(reader: &mut R) -> Result<Option<Packet>, PacketError> {
    let mut header = [0u8; 4];
    let mut filled = 0;
    while filled < header.len() {
        let rest = header.get_mut(filled..).unwrap_or_default();
        match reader.read(rest).await.map_err(PacketError::Io)? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(PacketError::Truncated),
            count => filled += count,
        }
    }
    let length = parse_length(header)?;
    let payload = match length {
        0 => return Ok(Some(Packet::Flush)),
        1 => return Ok(Some(Packet::Delimiter)),
        2 => return Ok(Some(Packet::ResponseEnd)),
        3 => return Err(bad_length(header)),
        length => length - 4,
    };
    if payload > MAX_PAYLOAD_BYTES {
        return Err(bad_length(header));
    }
    let mut data = vec![0u8; payload];
    reader.read_exact(&mut data).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => PacketError::Truncated,
        _ => PacketError::Io(error),
    })?;
    Ok(Some(Packet::Data(data)))
}

/// Takes the first packet off bytes that are there already; `None` when they begin with no whole packet.
pub fn split_packet(bytes: &mut &[u8]) -> Option<Packet> {
    let (header, rest) = bytes.split_first_chunk::<4>()?;
    let length = parse_length(*header).ok()?;
    let (packet, payload) = match length {
        0 => (Packet::Flush, 0),
        1 => (Packet::Delimiter, 0),
        2 => (Packet::ResponseEnd, 0),
        length => {
            let payload = length.checked_sub(4).filter(|payload| *payload <= MAX_PAYLOAD_BYTES)?;
            (Packet::Data(rest.get(..payload)?.to_vec()), payload)
        }
    };
    *bytes = rest.get(payload..)?;
    Some(packet)
}

fn parse_length(header: [u8; 4]) -> Result<usize, PacketError> {
    header.iter().try_fold(0usize, |length, byte| {
        let digit = char::from(*byte).to_digit(16).ok_or_else(|| bad_length(header))?;
        Ok(length * 16 + digit as usize)
    })
}

fn bad_length(header: [u8; 4]) -> PacketError {
    PacketError::BadLength(header.escape_ascii().to_string())
}

/// Appends one packet. A payload over [`MAX_PAYLOAD_BYTES`] is cut: callers keep lines short.
pub fn write_packet(out: &mut Vec<u8>, payload: &[u8]) {
    let payload = payload.get(..MAX_PAYLOAD_BYTES).unwrap_or(payload);
    out.extend_from_slice(format!("{:04x}", payload.len() + 4).as_bytes());
    out.extend_from_slice(payload);
}

/// Appends a flush packet.
pub fn write_flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Appends data on a side band, in as many packets as it takes; empty data is a keep-alive.
pub fn write_band(out: &mut Vec<u8>, band: Band, data: &[u8]) {
    let mut write_chunk = |chunk: &[u8]| {
        out.extend_from_slice(format!("{:04x}", chunk.len() + 5).as_bytes());
        out.push(band as u8);
        out.extend_from_slice(chunk);
    };
    if data.is_empty() {
        write_chunk(data);
    }
    data.chunks(MAX_BAND_BYTES).for_each(write_chunk);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(mut bytes: &[u8]) -> Result<Vec<Packet>, PacketError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut packets = Vec::new();
            while let Some(packet) = read_packet(&mut bytes).await? {
                packets.push(packet);
            }
            Ok(packets)
        })
    }

    #[test]
    fn the_examples_of_the_specification_are_read() {
        let packets = read_all(b"0006a\n0005a000bfoobar\n00040000").unwrap();
        let data = |text: &str| Packet::Data(text.as_bytes().to_vec());
        assert_eq!(packets, [data("a\n"), data("a"), data("foobar\n"), data(""), Packet::Flush]);
    }

    proptest! {
        #[test]
        fn bytes_are_split_as_streams_are_read(bytes in "(000[0-5]|[0-9a-f]{0,3}|000aabcdef|0006a\n){0,6}") {
            let mut rest = bytes.as_bytes();
            let mut split = Vec::new();
            while let Some(packet) = split_packet(&mut rest) {
                split.push(packet);
            }
            match read_all(bytes.as_bytes()) {
                Ok(read) => prop_assert_eq!((split, rest.len()), (read, 0)),
                Err(_) => prop_assert!(!rest.is_empty()),
            }
        }
    }

    #[test]
    fn marks_of_version_two_are_read() {
        assert_eq!(read_all(b"00010002").unwrap(), [Packet::Delimiter, Packet::ResponseEnd]);
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for bytes in [&b"0003"[..], b"ffff", b"fff1", b"+006aa", b"zzzz", b"\xff\xff\xff\xff"] {
            assert!(matches!(read_all(bytes), Err(PacketError::BadLength(_))), "{bytes:?}");
        }
    }

    #[test]
    fn truncated_packets_are_refused() {
        for bytes in [&b"0"[..], b"000", b"0006", b"0006a", b"00000"] {
            assert!(matches!(read_all(bytes), Err(PacketError::Truncated)), "{bytes:?}");
        }
    }

    #[test]
    fn the_largest_packet_is_read() {
        let mut bytes = b"fff0".to_vec();
        bytes.resize(65_520, b'x');
        assert_eq!(read_all(&bytes).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn packets_round_trip(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..10)) {
            let mut bytes = Vec::new();
            for payload in &payloads {
                write_packet(&mut bytes, payload);
            }
            write_flush(&mut bytes);
            let mut expected: Vec<Packet> = payloads.into_iter().map(Packet::Data).collect();
            expected.push(Packet::Flush);
            prop_assert_eq!(read_all(&bytes).unwrap(), expected);
        }

        #[test]
        fn bands_carry_everything(length in 0usize..200_000) {
            let data: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let mut bytes = Vec::new();
            write_band(&mut bytes, Band::Progress, &data);
            let mut carried = Vec::new();
            for packet in read_all(&bytes).unwrap() {
                let Packet::Data(payload) = packet else { panic!("only data is written") };
                prop_assert_eq!(payload[0], 2);
                carried.extend_from_slice(&payload[1..]);
            }
            prop_assert_eq!(carried, data);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = read_all(&bytes);
        }
    }
}
