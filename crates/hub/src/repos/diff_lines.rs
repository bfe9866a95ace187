//! The lines of a unified diff, numbered: for pages that show one, and for remarks, which stand at a line.

/// The largest file whose changes are shown, in bytes.
pub const MAX_FILE_BYTES: u64 = 512 * 1024;
/// How many files that differ are looked through, for all pages together: a file that was moved is one only where both its places are
/// among them, so that each page has to know of all.
pub const MAX_FILES: usize = 5_100;

/// What a line of a diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// The head of a hunk.
    Hunk,
    /// What git says of the line before.
    Note,
    /// On both sides.
    Context,
    /// On the new side only.
    Added,
    /// On the old side only.
    Removed,
}

/// A line of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered<'a> {
    /// What it is.
    pub kind: LineKind,
    /// Its number on the old side, or of the line there that comes next.
    pub old: u64,
    /// Its number on the new side, or of the line there that comes next.
    pub new: u64,
    /// Its text without the sign.
    pub text: &'a str,
}

impl Numbered<'_> {
    /// Its number on the old side, if it is there.
    pub fn old_number(&self) -> Option<u64> {
        matches!(self.kind, LineKind::Context | LineKind::Removed).then_some(self.old)
    }

    /// Its number on the new side, if it is there.
    pub fn new_number(&self) -> Option<u64> {
        matches!(self.kind, LineKind::Context | LineKind::Added).then_some(self.new)
    }

    /// The sign before the text.
    fn sign(&self) -> char {
        match self.kind {
            LineKind::Added => '+',
            LineKind::Removed => '-',
            LineKind::Hunk | LineKind::Note | LineKind::Context => ' ',
        }
    }
}

/// Numbers the lines of a unified diff.
pub fn numbered(text: &str) -> Vec<Numbered<'_>> {
    let (mut old, mut new) = (0_u64, 0_u64);
    let mut lines = Vec::new();
    for line in text.lines() {
        let (kind, rest) = match line.split_at_checked(1) {
            Some(("@", _)) => {
                (old, new) = hunk_start(line);
                (LineKind::Hunk, line)
            }
            Some(("+", rest)) => (LineKind::Added, rest),
            Some(("-", rest)) => (LineKind::Removed, rest),
            Some((" ", rest)) => (LineKind::Context, rest),
            // `\ No newline at end of file`
            _ => (LineKind::Note, line),
        };
        let found = Numbered { kind, old, new, text: rest };
        old += u64::from(found.old_number().is_some());
        new += u64::from(found.new_number().is_some());
        lines.push(found);
    }
    lines
}

/// The first numbers of `@@ -12,3 +14,5 @@`.
fn hunk_start(line: &str) -> (u64, u64) {
    let number = |sign: char| {
        let text = line.split(sign).nth(1).unwrap_or_default();
        text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(1)
    };
    (number('-'), number('+'))
}

/// Where the lines of an old text are in a new one, by the diff of the two. It is read once, however many lines are asked for.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    /// The numbers of old lines that are gone, in order.
    removed: Vec<u64>,
    /// For every new line the number of the old one that comes next, in order.
    added: Vec<u64>,
}

impl Moves {
    /// Reads a unified diff.
    pub fn of(diff: &str) -> Self {
        let mut moves = Self::default();
        for row in numbered(diff) {
            match row.kind {
                LineKind::Removed => moves.removed.push(row.old),
                LineKind::Added => moves.added.push(row.old),
                LineKind::Hunk | LineKind::Note | LineKind::Context => {}
            }
        }
        moves
    }

    /// The number that an old line has in the new text; `None` when it was changed or is gone.
    pub fn find(&self, line: u64) -> Option<u64> {
        let before = self.removed.partition_point(|old| *old < line);
        if self.removed.get(before) == Some(&line) {
            return None;
        }
        let added = self.added.partition_point(|next| *next <= line);
        line.checked_sub(u64::try_from(before).ok()?)?.checked_add(u64::try_from(added).ok()?)
    }
}

/// One line of a diff and at most `before` that come before it in its hunk, as a diff of its own. Long lines are cut.
pub fn excerpt(diff: &str, is_it: impl Fn(&Numbered<'_>) -> bool, before: usize, max_chars: usize) -> Option<String> {
    let rows = numbered(diff);
    let at = rows.iter().position(is_it)?;
    let mut kept: Vec<&Numbered<'_>> = rows
        .get(..=at)?
        .iter()
        .rev()
        .take_while(|row| row.kind != LineKind::Hunk)
        .filter(|row| row.kind != LineKind::Note)
        .take(before + 1)
        .collect();
    kept.reverse();
    let first = kept.first()?;
    let mut text = format!("@@ -{},0 +{},0 @@\n", first.old, first.new);
    for row in kept {
        text.push(row.sign());
        text.extend(row.text.chars().take(max_chars));
        if row.text.chars().nth(max_chars).is_some() {
            text.push('…');
        }
        text.push('\n');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{LineKind, Moves, excerpt, numbered};

    const DIFF: &str = "@@ -4,3 +7,4 @@ fn x\n same\n-old\n+new\n+more\n last\n\\ No newline at end of file\n";

    #[test]
    fn each_side_counts_its_own_lines() {
        let found: Vec<_> = numbered(DIFF).iter().map(|row| (row.old_number(), row.new_number())).collect();
        let expected = [
            (None, None),
            (Some(4), Some(7)),
            (Some(5), None),
            (None, Some(8)),
            (None, Some(9)),
            (Some(6), Some(10)),
            (None, None),
        ];
        assert_eq!(found, expected);
        assert_eq!(numbered(DIFF).last().unwrap().kind, LineKind::Note);
    }

    #[test]
    fn a_line_is_found_again_unless_it_changed() {
        let moves = Moves::of("@@ -2,3 +2,4 @@\n two\n+2.5\n+2.6\n-three\n four\n");
        for (line, expected) in [(1, Some(1)), (2, Some(2)), (3, None), (4, Some(5)), (100, Some(101))] {
            assert_eq!(moves.find(line), expected, "{line}");
        }
        let twice = "@@ -1,3 +1,3 @@\n+zero\n one\n-two\n three\n@@ -9,2 +9,3 @@\n-nine\n+9\n+9.5\n ten\n";
        let moves = Moves::of(twice);
        for (line, expected) in [(1, Some(2)), (2, None), (3, Some(3)), (8, Some(8)), (9, None), (10, Some(11)), (11, Some(12))] {
            assert_eq!(moves.find(line), expected, "{line}");
        }
        assert_eq!(Moves::of("").find(7), Some(7));
        let emptied = Moves::of("@@ -1,2 +0,0 @@\n-one\n-two\n");
        assert_eq!((emptied.find(1), emptied.find(2)), (None, None));
    }

    #[test]
    fn an_excerpt_is_a_diff_with_its_numbers() {
        let last = excerpt(DIFF, |row| row.new_number() == Some(9), 2, 3).unwrap();
        assert_eq!(last, "@@ -5,0 +8,0 @@\n-old\n+new\n+mor…\n");
        let rows = numbered(&last);
        assert_eq!((rows.last().unwrap().new_number(), rows[1].old_number()), (Some(9), Some(5)));
        assert_eq!(excerpt(DIFF, |row| row.old_number() == Some(4), 3, 9).unwrap(), "@@ -4,0 +7,0 @@\n same\n");
        assert_eq!(excerpt(DIFF, |row| row.new_number() == Some(99), 3, 9), None);
    }
}
