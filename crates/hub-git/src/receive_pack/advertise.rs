use hub_types::Oid;

use crate::pkt_line::{write_flush, write_packet};

/// What the server offers. `object-format` keeps SHA-256 repositories out with a clear message of git's own.
const CAPABILITIES: &str = concat!(
    "report-status delete-refs side-band-64k quiet atomic ofs-delta push-options object-format=sha1 agent=hub/",
    env!("CARGO_PKG_VERSION")
);

/// Builds the answer to `GET …/info/refs?service=git-receive-pack` from refs sorted by name.
pub fn advertise<'a>(refs: impl IntoIterator<Item = (&'a str, Oid)>) -> Vec<u8> {
    let mut out = Vec::new();
    write_packet(&mut out, b"# service=git-receive-pack\n");
    write_flush(&mut out);
    out.extend(advertise_refs(refs));
    out
}

/// The same without what HTTP puts before it: what a push by SSH begins with.
pub fn advertise_refs<'a>(refs: impl IntoIterator<Item = (&'a str, Oid)>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut first = true;
    for (name, oid) in refs {
        let line = if first { format!("{oid} {name}\0{CAPABILITIES}\n") } else { format!("{oid} {name}\n") };
        write_packet(&mut out, line.as_bytes());
        first = false;
    }
    if first {
        let zero = Oid::ZERO;
        write_packet(&mut out, format!("{zero} capabilities^{{}}\0{CAPABILITIES}\n").as_bytes());
    }
    write_flush(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_stand_on_the_first_line_only() {
        let oid = Oid::from_bytes([0x11; 20]);
        let text = String::from_utf8(advertise([("refs/heads/a", oid), ("refs/heads/b", oid)])).unwrap();
        assert!(text.starts_with("001f# service=git-receive-pack\n0000"));
        assert_eq!(text.matches("report-status").count(), 1);
        assert!(text.ends_with(&format!("{oid} refs/heads/b\n0000")));
    }

    #[test]
    fn an_empty_repo_advertises_its_capabilities() {
        let text = String::from_utf8(advertise([])).unwrap();
        assert!(text.contains(&format!("{} capabilities^{{}}\0report-status", Oid::ZERO)));
    }
}
