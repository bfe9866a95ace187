use std::fmt;

use hub_types::Sha256;

/// Blobs of this many bytes or more are never pointers: what git-lfs itself assumes.
pub const MAX_POINTER_BYTES: u64 = 1024;

/// First lines a pointer may have: the published one and two older spellings that git-lfs reads.
const VERSIONS: [&str; 3] =
    ["https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1", "http://git-media.io/v/2"];

/// The small text that stands in git for a large file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LfsPointer {
    /// The large file's digest.
    pub oid: Sha256,
    /// The large file's size.
    pub size: u64,
    /// The size of the text itself.
    pub pointer_size: u64,
}

impl LfsPointer {
    /// The pointer as git-lfs writes it, with its size worked out.
    pub fn new(oid: Sha256, size: u64) -> Self {
        let mut pointer = Self { oid, size, pointer_size: 0 };
        pointer.pointer_size = pointer.to_string().len() as u64;
        pointer
    }

    /// Reads a blob's content; `None` when it is an ordinary file.
    pub fn parse(content: &[u8]) -> Option<Self> {
        if content.len() as u64 >= MAX_POINTER_BYTES || !content.starts_with(b"version ") {
            return None;
        }
        let text = std::str::from_utf8(content).ok()?;
        let (mut oid, mut size) = (None, None);
        for (number, line) in text.trim_end().lines().enumerate() {
            let (key, value) = line.split_once(' ')?;
            match key {
                "version" if number == 0 && VERSIONS.contains(&value) => {}
                "oid" if oid.is_none() => oid = Some(value.strip_prefix("sha256:")?.parse::<Sha256>().ok()?),
                "size" if oid.is_some() && size.is_none() => size = Some(parse_size(value)?),
                // Extensions (`ext-0-name sha256:…`) come before the oid and do not change it.
                _ if number > 0 && oid.is_none() && key.starts_with("ext-") => {}
                _ => return None,
            }
        }
        Some(Self { oid: oid?, size: size?, pointer_size: content.len() as u64 })
    }
}

fn parse_size(text: &str) -> Option<u64> {
    // `parse` would take a sign, and databases hold 63 bits.
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
        .filter(|size| i64::try_from(*size).is_ok())
}

impl fmt::Display for LfsPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}\noid sha256:{}\nsize {}\n", VERSIONS[0], self.oid, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

    fn text(oid: &str, size: &str) -> String {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
    }

    #[test]
    fn a_pointer_round_trips() {
        let pointer = LfsPointer::new(OID.parse().unwrap(), 12345);
        assert_eq!(pointer.to_string(), text(OID, "12345"));
        assert_eq!(LfsPointer::parse(pointer.to_string().as_bytes()), Some(pointer));
    }

    #[test]
    fn variants_that_git_lfs_reads_are_pointers() {
        let extension = format!("version https://git-lfs.github.com/spec/v1\next-0-foo sha256:{OID}\noid sha256:{OID}\nsize 1\n");
        for content in [text(OID, "0"), text(OID, "1").trim_end().to_owned(), text(OID, "1").replace('\n', "\r\n"), extension] {
            assert!(LfsPointer::parse(content.as_bytes()).is_some(), "{content}");
        }
    }

    #[test]
    fn other_files_are_not_pointers() {
        let long = format!("{}{}", text(OID, "1"), " ".repeat(1024));
        for content in [
            String::new(),
            "hello".into(),
            text("xyz", "1"),
            text(OID, "-1"),
            text(OID, "+1"),
            text(OID, ""),
            text(OID, "99999999999999999999"),
            text(OID, "9223372036854775808"),
            format!("{}extra line\n", text(OID, "1")),
            format!("oid sha256:{OID}\nsize 1\n"),
            format!("version https://git-lfs.github.com/spec/v1\nsize 1\noid sha256:{OID}\n"),
            long,
        ] {
            assert_eq!(LfsPointer::parse(content.as_bytes()), None, "{content}");
        }
        assert_eq!(LfsPointer::parse(b"version \xff\xfe"), None);
    }
}
