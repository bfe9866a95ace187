use hub_types::Oid;

use crate::oid::from_hex;
use crate::{Error, Result};

/// Who wrote or committed something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name as git has it.
    pub name: String,
    /// The e-mail address as git has it.
    pub email: String,
    /// Seconds since 1970, UTC.
    pub time: i64,
    /// The offset of the writer's clock from UTC.
    pub offset_minutes: i32,
}

impl Person {
    /// Somebody at a moment given in UTC.
    pub fn new(name: &str, email: &str, time: i64) -> Self {
        Self { name: name.to_owned(), email: email.to_owned(), time, offset_minutes: 0 }
    }

    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let (name, rest) = line.split_once('<')?;
        let (email, when) = rest.rsplit_once('>')?;
        let mut when = when.split_whitespace();
        let time = when.next().and_then(|text| text.parse().ok()).unwrap_or(0);
        let offset_minutes = when.next().and_then(parse_offset).unwrap_or(0);
        Some(Self { name: name.trim().to_owned(), email: email.trim().to_owned(), time, offset_minutes })
    }

    /// The form in commits and tags. What git cannot take in a name or address is left out.
    fn line(&self) -> String {
        let (sign, minutes) = (if self.offset_minutes < 0 { '-' } else { '+' }, self.offset_minutes.unsigned_abs());
        let (name, email) = (plain(&self.name), plain(&self.email));
        let name = if name.is_empty() { "unknown" } else { &name };
        format!("{name} <{email}> {} {sign}{:02}{:02}", self.time.max(0), minutes / 60, minutes % 60)
    }
}

fn plain(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    kept.trim().to_owned()
}

fn parse_offset(text: &str) -> Option<i32> {
    let value: i32 = text.parse().ok()?;
    let minutes = (value / 100).checked_mul(60)?.checked_add(value % 100)?;
    (minutes.abs() < 24 * 60).then_some(minutes)
}

/// What a commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id.
    pub oid: Oid,
    /// The tree of its root folder.
    pub tree: Oid,
    /// The commits it follows; none for a first commit, several for a merge.
    pub parents: Vec<Oid>,
    /// Who wrote the change.
    pub author: Person,
    /// Who made the commit, and when.
    pub committer: Person,
    /// The first line of the message.
    pub title: String,
    /// The message without its first line, trimmed; often empty.
    pub message: String,
}

impl CommitInfo {
    pub(crate) fn parse(oid: Oid, data: &[u8]) -> Result<Self> {
        let links = CommitLinks::parse(oid, data)?;
        let (header, message) = split_message(data);
        let person = |name: &[u8]| header.split(|byte| *byte == b'\n').find_map(|line| Person::parse(line.strip_prefix(name)?));
        let unknown = || Person::new("unknown", "", links.time);
        let message = String::from_utf8_lossy(message);
        let message = message.trim();
        let (title, rest) = message.split_once('\n').unwrap_or((message, ""));
        Ok(Self {
            oid,
            tree: links.tree,
            author: person(b"author ").unwrap_or_else(unknown),
            committer: person(b"committer ").unwrap_or_else(unknown),
            title: title.trim_end().to_owned(),
            message: rest.trim().to_owned(),
            parents: links.parents,
        })
    }
}

/// The part of a commit that history walks need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitLinks {
    pub(crate) tree: Oid,
    pub(crate) parents: Vec<Oid>,
    pub(crate) time: i64,
}

impl CommitLinks {
    pub(crate) fn parse(oid: Oid, data: &[u8]) -> Result<Self> {
        let damaged = |reason| Error::ObjectDamaged { oid, reason };
        let mut lines = split_message(data).0.split(|byte| *byte == b'\n').peekable();
        let tree = lines
            .next()
            .and_then(|line| from_hex(line.strip_prefix(b"tree ")?))
            .ok_or_else(|| damaged("a commit without a tree"))?;
        let mut parents = Vec::new();
        while let Some(parent) = lines.peek().and_then(|line| line.strip_prefix(b"parent ")) {
            parents.push(from_hex(parent).ok_or_else(|| damaged("a commit with a broken parent"))?);
            lines.next();
        }
        let time = lines.find_map(|line| Person::parse(line.strip_prefix(b"committer ")?)).map_or(0, |person| person.time);
        Ok(Self { tree, parents, time })
    }
}

fn split_message(data: &[u8]) -> (&[u8], &[u8]) {
    match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (data, &[]),
    }
}

/// The content of a commit object.
pub(crate) fn commit_text(tree: Oid, parents: &[Oid], author: &Person, committer: &Person, message: &str) -> String {
    let mut text = format!("tree {tree}\n");
    for parent in parents {
        text.push_str(&format!("parent {parent}\n"));
    }
    text.push_str(&format!("author {}\ncommitter {}\n\n{}", author.line(), committer.line(), clean_message(message)));
    text
}

/// The content of a tag object that points to a commit.
pub(crate) fn tag_text(target: Oid, name: &str, tagger: &Person, message: &str) -> String {
    format!("object {target}\ntype commit\ntag {name}\ntagger {}\n\n{}", tagger.line(), clean_message(message))
}

fn clean_message(message: &str) -> String {
    let text = message.replace('\0', "").replace("\r\n", "\n");
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    #[test]
    fn commits_are_read_back_as_written() {
        let tree: Oid = TREE.parse().unwrap();
        let mut author = Person::new("Ada <L>", "ada@x.org\n", 1_700_000_000);
        author.offset_minutes = -330;
        let text = commit_text(tree, &[tree, tree], &author, &Person::new("", "", 5), "title\r\n\r\nbody\n\n");
        let info = CommitInfo::parse(tree, text.as_bytes()).unwrap();
        assert_eq!((info.title.as_str(), info.message.as_str()), ("title", "body"));
        assert_eq!(info.parents, [tree, tree]);
        assert_eq!(
            info.author,
            Person { name: "Ada L".into(), email: "ada@x.org".into(), time: 1_700_000_000, offset_minutes: -330 }
        );
        assert_eq!(info.committer.name, "unknown");
    }

    #[test]
    fn odd_commits_do_not_stop_a_page() {
        let tree: Oid = TREE.parse().unwrap();
        let text = format!("tree {TREE}\nauthor nobody\ncommitter A <a> 99999999999999999999 +9999\nencoding latin1\n\n\n\n");
        let info = CommitInfo::parse(tree, [text.as_bytes(), b"\xe9"].concat().as_slice()).unwrap();
        assert_eq!(info.title, "\u{fffd}");
        assert_eq!((info.author.name.as_str(), info.committer.time, info.committer.offset_minutes), ("unknown", 0, 0));
        assert!(CommitInfo::parse(tree, b"").is_err());
        assert!(CommitInfo::parse(tree, b"tree 12\n\n").is_err());
    }
}
