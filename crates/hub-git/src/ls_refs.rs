//! The command `ls-refs` of protocol version 2 (`gitprotocol-v2`), with which every clone and fetch begins, and all that a fetch
//! does when there is nothing new. Answered without `git`: refs are not on disk anyway.

use std::collections::HashMap;

use hub_types::{Oid, RefName};

use crate::pkt_line::{Packet, split_packet, write_flush, write_packet};

/// With more prefixes than this all refs are told, as git does it.
const MAX_PREFIXES: usize = 65_536;

/// What a client wants to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LsRefs {
    peel: bool,
    symrefs: bool,
    unborn: bool,
    prefixes: Vec<String>,
}

impl LsRefs {
    /// Reads a request; `None` if it is anything else, or has something that only git itself may know.
    pub fn parse(mut request: &[u8]) -> Option<Self> {
        if !matches!(split_packet(&mut request)?, Packet::Data(line) if trimmed(&line) == b"command=ls-refs") {
            return None;
        }
        // Capabilities, of which none changes the answer, but another hash would.
        loop {
            match split_packet(&mut request)? {
                Packet::Data(line) if is_harmless(trimmed(&line)) => {}
                Packet::Delimiter => break,
                Packet::Flush => return request.is_empty().then(Self::default),
                _ => return None,
            }
        }
        let mut asked = Self::default();
        loop {
            match split_packet(&mut request)? {
                Packet::Data(line) => asked.take(std::str::from_utf8(trimmed(&line)).ok()?)?,
                Packet::Flush => break,
                _ => return None,
            }
        }
        if asked.prefixes.len() > MAX_PREFIXES {
            asked.prefixes.clear();
        }
        request.is_empty().then_some(asked)
    }

    fn take(&mut self, argument: &str) -> Option<()> {
        match (argument, argument.strip_prefix("ref-prefix ")) {
            ("peel", _) => self.peel = true,
            ("symrefs", _) => self.symrefs = true,
            ("unborn", _) => self.unborn = true,
            (_, Some(prefix)) => self.prefixes.push(prefix.to_owned()),
            _ => return None,
        }
        Some(())
    }

    fn wants(&self, name: &str) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }

    /// Those refs whose annotated tags must be followed for [`LsRefs::answer`].
    pub fn to_peel<'a>(&self, refs: &'a [(RefName, Oid)]) -> Vec<&'a Oid> {
        let may_be_a_tag = |name: &RefName| self.peel && name.branch_name().is_none() && self.wants(name.as_str());
        refs.iter().filter(|(name, _)| may_be_a_tag(name)).map(|(_, oid)| oid).collect()
    }

    /// The answer, from refs in any order. `peeled` says what annotated tags point to in the end.
    pub fn answer(&self, head: &RefName, refs: &[(RefName, Oid)], peeled: &HashMap<Oid, Oid>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut sorted: Vec<_> = refs.iter().collect();
        sorted.sort();
        if self.wants("HEAD") {
            let target = if self.symrefs { format!(" symref-target:{head}") } else { String::new() };
            match sorted.iter().find(|(name, _)| name == head) {
                Some((_, oid)) => write_packet(&mut out, format!("{oid} HEAD{target}\n").as_bytes()),
                None if self.unborn && self.symrefs => write_packet(&mut out, format!("unborn HEAD{target}\n").as_bytes()),
                None => {}
            }
        }
        for (name, oid) in sorted.into_iter().filter(|(name, _)| self.wants(name.as_str())) {
            let peeled = peeled.get(oid).filter(|_| self.peel).map(|oid| format!(" peeled:{oid}")).unwrap_or_default();
            write_packet(&mut out, format!("{oid} {name}{peeled}\n").as_bytes());
        }
        write_flush(&mut out);
        out
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn is_harmless(capability: &[u8]) -> bool {
    capability == b"object-format=sha1" || [&b"agent="[..], b"session-id="].iter().any(|name| capability.starts_with(name))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::fixture::Fixture;
    use crate::process::Git;
    use crate::reader::GitReader;
    use crate::repo_view::RepoView;
    use crate::upload_pack::ProtocolVersion;

    fn request(arguments: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        write_packet(&mut out, b"command=ls-refs\n");
        write_packet(&mut out, b"agent=git/2.39.5");
        write_packet(&mut out, b"object-format=sha1");
        out.extend_from_slice(b"0001");
        for argument in arguments {
            write_packet(&mut out, format!("{argument}\n").as_bytes());
        }
        write_flush(&mut out);
        out
    }

    async fn of_git(view: RepoView, request: &[u8]) -> Vec<u8> {
        let version = ProtocolVersion::from_header(Some("version=2"));
        let mut answer = Git::default().answer_fetch(view, &version, Bytes::copy_from_slice(request)).await.unwrap();
        let mut out = Vec::new();
        while let Some(chunk) = answer.recv().await {
            out.extend_from_slice(&chunk.unwrap());
        }
        out
    }

    #[tokio::test]
    async fn answers_are_those_of_git_to_the_byte() {
        let fixture = Fixture::new();
        fixture.git(&["tag", "light"]);
        fixture.git(&["tag", "-a", "-m", "one", "annotated"]);
        fixture.git(&["tag", "-a", "-m", "of a tag", "nested", "annotated"]);
        fixture.git(&["tag", "-a", "-m", "of a tree", "tree", "HEAD^{tree}"]);
        fixture.git(&["push", "-q", "../server", "--tags", "main:side", "main:refs/pr/1"]);
        let all = fixture.git(&["ls-remote", "--refs", "../server"]);
        let refs: Vec<(RefName, Oid)> = all
            .lines()
            .map(|line| line.split_once('\t').unwrap())
            .map(|(oid, name)| (RefName::new(name).unwrap(), oid.parse().unwrap()))
            .collect();
        assert_eq!(refs.len(), 7);
        let reader = GitReader::open(&fixture.server()).unwrap();
        let questions: [&[&str]; 7] = [
            &[],
            &["peel", "symrefs", "unborn", "ref-prefix HEAD", "ref-prefix refs/heads/", "ref-prefix refs/tags/"],
            &["symrefs"],
            &["peel", "ref-prefix refs/tags/"],
            &["ref-prefix refs/heads/main"],
            &["unborn", "ref-prefix HEAD"],
            &["ref-prefix nothing"],
        ];
        for head in ["main", "missing"] {
            let head = RefName::branch(head).unwrap();
            for question in questions {
                let request = request(question);
                let asked = LsRefs::parse(&request).unwrap();
                let tags = asked.to_peel(&refs);
                let peeled = tags.into_iter().filter_map(|oid| Some((*oid, reader.peel_tag(*oid).unwrap()?))).collect();
                let view = RepoView::create(&fixture.scratch(), &fixture.server(), &head, &refs).unwrap();
                let ours = asked.answer(&head, &refs, &peeled);
                let theirs = of_git(view, &request).await;
                assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs), "{head} {question:?}");
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_left_to_git() {
        let whole = request(&["peel"]);
        assert!(LsRefs::parse(&whole).is_some());
        for end in 0..whole.len() {
            assert_eq!(LsRefs::parse(&whole[..end]), None, "cut off at {end}");
        }
        let text = String::from_utf8(whole).unwrap();
        let other = |from: &str, to: &str| LsRefs::parse(text.replace(from, to).as_bytes());
        assert_eq!(other("ls-refs", "ls-refz"), None);
        assert_eq!(other("0009peel", "0009peex"), None);
        assert_eq!(other("=sha1", "=sha2"), None);
        assert_eq!(other("agent=", "magic="), None);
        assert_eq!(LsRefs::parse(format!("{text}0000").as_bytes()), None);
        assert_eq!(LsRefs::parse(b"0014command=ls-refs\n0000"), Some(LsRefs::default()));
    }
}
