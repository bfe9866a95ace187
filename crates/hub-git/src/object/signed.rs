use super::Person;

/// A commit that somebody has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCommit {
    /// The signature as text. Of a commit that has several, all of them, one behind the other.
    pub signature: String,
    /// What was signed: the commit without its signature.
    pub content: Vec<u8>,
    /// Who made the commit.
    pub committer: Person,
}

impl SignedCommit {
    /// Takes the signature out of a commit, if it has one.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let header_len = data.windows(2).position(|pair| pair == b"\n\n").map_or(data.len(), |end| end + 1);
        let (header, message) = data.split_at_checked(header_len)?;
        let (mut content, mut signature) = (Vec::with_capacity(data.len()), Vec::new());
        let (mut committer, mut within) = (None, Within::Other);
        for line in header.split_inclusive(|byte| *byte == b'\n') {
            let more = line.strip_prefix(b" ");
            match (within, more) {
                (Within::Signature, Some(more)) => signature.extend_from_slice(more),
                (Within::OtherHash, Some(_)) => {}
                _ => {
                    if let Some(first) = line.strip_prefix(b"gpgsig ") {
                        within = Within::Signature;
                        signature.extend_from_slice(first);
                    } else if line.starts_with(b"gpgsig-sha256 ") {
                        within = Within::OtherHash;
                    } else {
                        within = Within::Other;
                        content.extend_from_slice(line);
                        committer = committer.or_else(|| Person::parse(line.strip_prefix(b"committer ")?));
                    }
                }
            }
        }
        if signature.is_empty() {
            return None;
        }
        content.extend_from_slice(message);
        Some(Self { signature: String::from_utf8_lossy(&signature).into_owned(), content, committer: committer? })
    }
}

/// The header whose lines go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Signature,
    /// The signature of the same commit in a repository with other hashes.
    OtherHash,
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_taken_out_and_nothing_else() {
        let plain = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@x> 1 +0000\ncommitter B <b@x> 2 +0000\n\nsays\n\n gpgsig \n";
        assert_eq!(SignedCommit::parse(plain.as_bytes()), None);
        let signed = plain.replacen("\n\n", "\ngpgsig -----BEGIN SSH SIGNATURE-----\n U1NI\n -----END SSH SIGNATURE-----\n\n", 1);
        let found = SignedCommit::parse(signed.as_bytes()).unwrap();
        assert_eq!(found.content, plain.as_bytes());
        assert_eq!(found.signature, "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n");
        assert_eq!(found.committer.email, "b@x");
        let twice = signed.replacen("\ngpgsig ", "\ngpgsig-sha256 x\n y\ngpgsig ", 1).replacen("\n\n", "\ngpgsig other\n\n", 1);
        let found = SignedCommit::parse(twice.as_bytes()).unwrap();
        assert_eq!(found.content, plain.as_bytes());
        assert!(found.signature.ends_with("other\n"));
        for odd in [&b""[..], b"gpgsig x", b"\n\n", b"gpgsig x\n y\n\n"] {
            assert_eq!(SignedCommit::parse(odd), None);
        }
    }
}
