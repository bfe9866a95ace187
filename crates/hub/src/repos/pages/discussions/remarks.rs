//! Comments on lines, ready to print.

use std::collections::HashMap;

use super::super::diff::{DiffLine, excerpt_lines};
use super::comments::Event;
use crate::repos::discussions::{Remarks, Snippets, Spot, Thread};
use crate::repos::queries::discussions::DiffSide;
use crate::web::form::{Field, Refusal};

/// One thing in the timeline of a discussion.
#[derive(Debug)]
pub(super) struct Item {
    /// Comments on a line.
    pub(super) thread: Option<ThreadView>,
    /// Anything else.
    pub(super) event: Option<Event>,
}

/// Comments on a line.
#[derive(Debug)]
pub(super) struct ThreadView {
    /// The id of the first.
    pub(super) id: String,
    /// Tells the fields of its form from others.
    pub(super) reply_id: String,
    pub(super) path: String,
    pub(super) side: DiffSide,
    /// The number of the line, as it was.
    pub(super) line: i32,
    /// Its number now, unless it has changed or is gone.
    pub(super) now: Option<u64>,
    pub(super) resolved: bool,
    pub(super) resolved_by: Option<String>,
    /// The line and some before it, if they can be shown.
    pub(super) lines: Option<Vec<DiffLine>>,
    /// Whether the viewer may not see them, because they may not download the files.
    pub(super) withheld: bool,
    pub(super) comments: Vec<Event>,
    /// An answer that was refused, for the form to have it again.
    pub(super) answer: Option<Answer>,
}

/// An answer in a thread that was refused, or an edit of a comment.
#[derive(Debug)]
pub(super) struct Answer {
    /// The id of a comment of the thread, or of the one that was edited.
    pub(super) to: String,
    /// What was typed.
    pub(super) text: String,
    /// What was wrong.
    pub(super) refusal: Refusal,
}

impl ThreadView {
    fn of(thread: &Thread, snippets: &Snippets, first: Event) -> Self {
        let row = &thread.row;
        Self {
            id: row.comment.clone(),
            reply_id: format!("reply-{}", row.comment),
            path: row.path.clone(),
            side: row.side,
            line: row.line,
            now: thread.now,
            resolved: row.resolved,
            resolved_by: row.resolved_by.clone(),
            lines: snippets.of(&row.comment).map(excerpt_lines),
            withheld: !snippets.are_open,
            comments: vec![first],
            answer: None,
        }
    }

    /// Whether it is shown unfolded.
    pub(super) fn is_open(&self) -> bool {
        !self.resolved || self.has_refused()
    }

    /// Whether something was refused that was typed in it.
    pub(super) fn has_refused(&self) -> bool {
        self.answer.is_some() || self.comments.iter().any(Event::is_refused)
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.now.is_none()
    }

    pub(super) fn place(&self) -> String {
        place(self.side, self.line)
    }

    pub(super) fn count(&self) -> String {
        match self.comments.len() {
            1 => "1 comment".to_owned(),
            count => format!("{count} comments"),
        }
    }
}

fn place(side: DiffSide, line: i32) -> String {
    match side {
        DiffSide::Old => format!("Line {line} of the old version"),
        DiffSide::New => format!("Line {line}"),
    }
}

/// Puts comments on a line where the first of them is.
pub(super) fn gather(remarks: &Remarks, snippets: &Snippets, events: Vec<Event>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::with_capacity(events.len());
    let mut places: HashMap<&str, usize> = HashMap::new();
    for event in events {
        let Some(thread) = remarks.thread_of(&event.id) else {
            items.push(Item { thread: None, event: Some(event) });
            continue;
        };
        let begun = places.get(thread.row.comment.as_str()).and_then(|at| items.get_mut(*at)?.thread.as_mut());
        if let Some(begun) = begun {
            begun.comments.push(event);
            continue;
        }
        places.insert(&thread.row.comment, items.len());
        items.push(Item { thread: Some(ThreadView::of(thread, snippets, event)), event: None });
    }
    items
}

/// Puts an answer that was refused into the form of its thread; gives it back if that is not there.
pub(super) fn put_back<'a>(
    answer: Answer,
    remarks: &Remarks,
    mut threads: impl Iterator<Item = &'a mut ThreadView>,
) -> Option<Answer> {
    let place = remarks.thread_of(&answer.to).and_then(|thread| threads.find(|view| view.id == thread.row.comment));
    let Some(view) = place else { return Some(answer) };
    view.answer = Some(answer);
    None
}

/// Puts an edit that was refused into the form of its comment; gives it back if that is not there.
pub(super) fn put_edit_back(edit: Answer, events: &mut [Event]) -> Option<Answer> {
    let place = events.iter_mut().find(|event| event.id == edit.to && event.own && !event.hidden);
    let Some(event) = place else { return Some(edit) };
    let error = edit.refusal.message().to_owned();
    event.source = Some(Field::new("comment", "Comment").value(edit.text).error(Some(error)));
    None
}

/// The form of a comment on a line.
#[derive(Debug)]
pub(super) struct RemarkForm {
    pub(super) path: String,
    pub(super) side: &'static str,
    pub(super) line: i32,
    /// The commit that is looked at.
    pub(super) commit: String,
    /// The line in words.
    pub(super) place: String,
    /// The page of the changed files on which the form is, from 0.
    pub(super) number: usize,
    pub(super) field: Field,
}

impl RemarkForm {
    /// For a line, or for none yet.
    pub(super) fn new(spot: Option<&Spot>, commit: String, number: usize, field: Field) -> Self {
        let (path, side, line) = spot.map_or(("", DiffSide::New, 1), |spot| (spot.path(), spot.side(), spot.line()));
        Self { path: path.to_owned(), side: side.as_str(), line, commit, place: place(side, line), number, field }
    }
}
