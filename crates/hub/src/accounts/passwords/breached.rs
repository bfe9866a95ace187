//! Passwords that were in breaches, by a file of "Have I Been Pwned", which is far too large to be read.
//!
//! Its lines are SHA-1 hashes in hex, each with a colon and how often it was seen, in the order of the hashes. A binary search over
//! offsets finds one by some forty small reads. SHA-1 is how the file names passwords, and protects nothing here.

use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use sha1::{Digest as _, Sha1};

/// A hash in hex.
const HASH_LEN: usize = 40;
/// So much is read at once: the end of a line, and the hash of the next.
const BLOCK: usize = 128;
/// At how many places the order is looked at.
const SAMPLES: u64 = 256;

struct Lines {
    file: File,
    size: u64,
}

/// Whether a password is in the file. It blocks.
///
/// # Errors
/// The file cannot be read, or is none of those.
pub(super) fn is_breached(path: &Path, password: &str) -> io::Result<bool> {
    let digest: [u8; HASH_LEN / 2] = Sha1::digest(password.as_bytes()).into();
    let mut wanted = [0; HASH_LEN];
    hex::encode_to_slice(digest, &mut wanted).map_err(io::Error::other)?;
    Lines::open(path)?.contain(&wanted)
}

/// Looks at some places of a file whether it can be asked. It blocks.
///
/// # Errors
/// Says what is wrong.
pub(crate) fn examine(path: &Path) -> Result<(), String> {
    match Lines::open(path).and_then(|lines| lines.are_in_order()) {
        Ok(Some(true)) => Ok(()),
        Ok(Some(false)) => Err(format!("the file `{}` is not sorted by hash", path.display())),
        Ok(None) => Err(format!("the file `{}` is empty", path.display())),
        Err(error) => Err(format!("the file `{}` cannot be used: {error}", path.display())),
    }
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }

    /// Whether there is a line of this hash.
    fn contain(&self, wanted: &[u8; HASH_LEN]) -> io::Result<bool> {
        // If there is, it begins between these.
        let (mut low, mut high) = (0, self.size);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_from(middle)?.filter(|(start, _)| *start < high) {
                None => high = middle,
                Some((start, hash)) => match hash.cmp(wanted) {
                    Ordering::Equal => return Ok(true),
                    Ordering::Less => low = start + 1,
                    Ordering::Greater => high = middle,
                },
            }
        }
        Ok(false)
    }

    /// Whether the lines are in order, as far as some of them show it. None if there is no line.
    fn are_in_order(&self) -> io::Result<Option<bool>> {
        let mut before: Option<[u8; HASH_LEN]> = None;
        for sample in 0..=SAMPLES {
            let Some((_, hash)) = self.line_from(self.size * sample / SAMPLES)? else { break };
            if before.is_some_and(|before| before > hash) {
                return Ok(Some(false));
            }
            before = Some(hash);
        }
        Ok(before.map(|_| true))
    }

    /// The first line that begins at an offset or after it: where, and its hash in small letters. None at the end of the file.
    fn line_from(&self, offset: u64) -> io::Result<Option<(u64, [u8; HASH_LEN])>> {
        // With the byte before: a line begins where one has ended.
        let from = offset.saturating_sub(1);
        let block = self.block(from)?;
        let is_last = block.len() < BLOCK;
        let skipped = match (offset, block.iter().position(|byte| *byte == b'\n')) {
            (0, _) => 0,
            (_, Some(end)) => end + 1,
            (_, None) if is_last => return Ok(None),
            (_, None) => return Err(not_a_line(from)),
        };
        let start = from + skipped as u64;
        let rest = block.get(skipped..).unwrap_or_default();
        if is_last && rest.trim_ascii().is_empty() {
            return Ok(None);
        }
        let Some((hash, after)) = rest.split_first_chunk::<HASH_LEN>() else { return Err(not_a_line(start)) };
        if !hash.iter().all(u8::is_ascii_hexdigit) || !matches!(after.first(), None | Some(b':' | b'\r' | b'\n')) {
            return Err(not_a_line(start));
        }
        Ok(Some((start, hash.map(|byte| byte.to_ascii_lowercase()))))
    }

    /// What is in the file from an offset on: as much as a block, or up to its end.
    fn block(&self, from: u64) -> io::Result<Vec<u8>> {
        let mut block = vec![0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.file.read_at(block.get_mut(filled..).unwrap_or_default(), from + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        block.truncate(filled);
        Ok(block)
    }
}

fn not_a_line(at: u64) -> io::Error {
    let text = format!("at byte {at} is no line of a SHA-1 hash in hex, a colon and a number");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use super::*;

    fn file(text: &str) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn line(password: &str, count: usize) -> String {
        format!("{}:{count}", hex::encode_upper(Sha1::digest(password.as_bytes())))
    }

    #[test]
    fn every_line_is_found_and_nothing_else() {
        for count in [1, 2, 3, 4, 100, 1000] {
            let passwords: Vec<String> = (0..count).map(|number| format!("password {number}")).collect();
            // Some are seen so often that lines differ in length.
            let lines = passwords.iter().enumerate().map(|(number, password)| line(password, 7_usize.pow(number as u32 % 11)));
            let mut lines: Vec<String> = lines.collect();
            lines.sort();
            for text in [lines.join("\n"), lines.join("\n") + "\n", lines.join("\r\n"), lines.join("\r\n") + "\r\n"] {
                let file = file(&text);
                assert_eq!(examine(file.path()), Ok(()));
                for password in &passwords {
                    assert!(is_breached(file.path(), password).unwrap(), "{password} of {count}");
                }
                for number in 0..200 {
                    assert!(!is_breached(file.path(), &format!("another {number}")).unwrap());
                }
            }
        }
    }

    #[test]
    fn lines_are_as_the_downloader_writes_them() {
        let one = file("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:52256179\r\n");
        assert!(is_breached(one.path(), "password").unwrap() && !is_breached(one.path(), "Password").unwrap());
        let small = file("5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\n");
        assert!(is_breached(small.path(), "password").unwrap());
    }

    #[test]
    fn what_is_no_such_file_is_said() {
        let empty = file("");
        assert!(!is_breached(empty.path(), "password").unwrap());
        assert!(examine(empty.path()).unwrap_err().contains("is empty"));
        let mut lines: Vec<String> = (0..1000).map(|number| line(&number.to_string(), number)).collect();
        lines.sort();
        lines.reverse();
        assert!(examine(file(&lines.join("\n")).path()).unwrap_err().contains("not sorted"));
        for wrong in ["8846F7EAEE8FB117AD06BDD830B7586C:52256179\n", "password\nqwerty\n", "x".repeat(1000).as_str()] {
            let file = file(wrong);
            assert!(examine(file.path()).unwrap_err().contains("is no line of a SHA-1 hash"), "{wrong}");
            assert!(is_breached(file.path(), "password").is_err(), "{wrong}");
        }
        assert!(examine(Path::new("/nowhere")).unwrap_err().contains("cannot be used"));
        assert!(is_breached(Path::new("/nowhere"), "password").is_err());
    }
}
