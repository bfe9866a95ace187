//! The other end of [`super::apart`]: a process in the walls of [`hub_scan::sandbox`] that looks at files. `hub scan-one` runs it.

use std::io::{self, BufRead, Read as _, Write};
use std::ops::Range;

use bytes::Bytes;
use hub_scan::Kind;
use hub_scan::sandbox::{Bounds, Held, enter};
use hub_weights::checkpoint::{Contents, LegacyFile, MAX_PICKLE_BYTES};

use super::apart::{Request, Said};
use super::blocks::Blocks;
use super::seen::look;

/// Memory beside the program's own, and time of the processor for all files that one process is given. Scanners hold themselves to less.
const BOUNDS: Bounds = Bounds { memory_bytes: 768 << 20, cpu_secs: 120 };

/// Puts the walls up, and looks at the files that it is asked about by standard input, until that ends.
///
/// # Errors
/// Whoever asks is gone, or asks what is no question.
pub fn run() -> io::Result<()> {
    let held = enter(&BOUNDS);
    serve(io::stdin().lock(), io::stdout().lock(), held)
}

/// The hub, as it is heard and told.
struct Hub<I, O> {
    input: I,
    output: O,
}

fn serve(input: impl BufRead, output: impl Write, held: Held) -> io::Result<()> {
    let mut hub = Hub { input, output };
    hub.say(&Said::Ready(held))?;
    while let Some(request) = hub.next_request()? {
        let said = match request {
            Request::Look { kind, size } => {
                let kind = Kind::parse(&kind).ok_or(io::ErrorKind::InvalidData)?;
                look(&mut Blocks::new(size, |range| hub.fetch(range)), size, kind).map(Said::Seen)
            }
            Request::Pickle { size } => hub.whole(size).map(|bytes| match Contents::parse(&bytes) {
                Ok(contents) => Said::Contents(contents),
                Err(error) => Said::Refused { why: error.to_string() },
            }),
            Request::Legacy { size, file_bytes } => hub.whole(size).map(|bytes| match LegacyFile::parse(&bytes, file_bytes) {
                Ok(file) => Said::Legacy(file),
                Err(error) => Said::Refused { why: error.to_string() },
            }),
        };
        hub.say(&said.unwrap_or_else(|error| Said::Failed { why: error.to_string() }))?;
    }
    Ok(())
}

impl<I: BufRead, O: Write> Hub<I, O> {
    fn next_request(&mut self) -> io::Result<Option<Request>> {
        let mut line = String::new();
        if self.input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }

    fn say(&mut self, said: &Said) -> io::Result<()> {
        let mut line = serde_json::to_vec(said)?;
        line.push(b'\n');
        self.output.write_all(&line)?;
        self.output.flush()
    }

    /// All of a file, which must not be long.
    fn whole(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Blocks::new(size.min(MAX_PICKLE_BYTES), |range| self.fetch(range)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A part of the file that is looked at.
    fn fetch(&mut self, range: Range<u64>) -> io::Result<Bytes> {
        let count = range.end.saturating_sub(range.start);
        self.say(&Said::Read { at: range.start, count })?;
        let mut length = [0; 4];
        self.input.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if u64::from(length) > count {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the process says to an input, line by line.
    fn said_to(input: &[u8]) -> (io::Result<()>, Vec<Said>) {
        let mut output = Vec::new();
        let done = serve(input, &mut output, Held::default());
        let lines = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        (done, lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
    }

    fn line(request: &Request) -> Vec<u8> {
        [serde_json::to_vec(request).unwrap(), b"\n".to_vec()].concat()
    }

    fn request(kind: Kind, size: u64) -> Vec<u8> {
        line(&Request::Look { kind: kind.as_str().to_owned(), size })
    }

    #[test]
    fn files_are_asked_for_and_looked_at() {
        let evil = b"cposix\nsystem\n(Vls\ntR.";
        let part = [&(evil.len() as u32).to_le_bytes()[..], evil].concat();
        let input = [request(Kind::Pickle, evil.len() as u64), part, request(Kind::Opaque, 1 << 40)].concat();
        let (done, said) = said_to(&input);
        assert!(done.is_ok(), "{done:?}");
        let [Said::Ready(held), Said::Read { at: 0, count }, Said::Seen(first), Said::Seen(second)] = &said[..] else {
            panic!("{said:?}");
        };
        assert_eq!((*held, *count, first.report.level.as_str()), (Held::default(), evil.len() as u64, "unsafe"));
        assert_eq!(second, &super::super::seen::Seen::default(), "nobody looks at pictures");
    }

    #[test]
    fn what_is_no_question_ends_it() {
        let (cake, less) = (r#"{"look": {"kind": "cake", "size": 1}}"#, r#"{"look": {"kind": "pickle", "size": -1}}"#);
        for input in ["nonsense\n", cake, less].map(str::as_bytes) {
            let (done, said) = said_to(input);
            assert!(done.is_err() && matches!(said[..], [Said::Ready(_)]), "{said:?}");
        }
        assert!(said_to(b"").0.is_ok());
    }

    #[test]
    fn a_pickle_that_is_no_checkpoint_is_refused() {
        let evil = b"cposix\nsystem\n(Vls\ntR.";
        let part = [&(evil.len() as u32).to_le_bytes()[..], evil].concat();
        let size = evil.len() as u64;
        let pickle = [line(&Request::Pickle { size }), part.clone()].concat();
        let legacy = [line(&Request::Legacy { size, file_bytes: 1 << 20 }), part].concat();
        for input in [pickle, legacy] {
            let (done, said) = said_to(&input);
            assert!(done.is_ok() && matches!(said[..], [Said::Ready(_), Said::Read { .. }, Said::Refused { .. }]), "{said:?}");
        }
    }

    #[test]
    fn a_hub_that_goes_away_or_sends_too_much_is_told_of_no_verdict() {
        let too_much = [request(Kind::Pickle, 4), 5_u32.to_le_bytes().to_vec(), b"12345".to_vec()].concat();
        for input in [request(Kind::Pickle, 4), too_much] {
            let (_, said) = said_to(&input);
            assert!(matches!(said[..], [Said::Ready(_), Said::Read { .. }, ..]), "{said:?}");
            assert!(said.iter().any(|said| matches!(said, Said::Failed { .. })), "{said:?}");
            assert!(!said.iter().any(|said| matches!(said, Said::Seen(_))), "{said:?}");
        }
    }
}
