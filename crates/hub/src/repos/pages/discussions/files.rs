//! What a pull request changes, with the comments on its lines.

use std::collections::HashMap;

use actix_web::HttpResponse;
use askama::Template;

use super::super::context::{header_of, layout_of};
use super::super::diff::{DiffLine, DiffPage, FileDiff, LEFT_OUT, diff, page_number};
use super::super::view::{RepoHeader, RepoTab};
use super::attachments::CommentForm;
use super::comments::{self, Desk, Rights};
use super::forms::is_for_the_form;
use super::num_of;
use super::remarks::{Answer, RemarkForm, ThreadView, gather, put_back, put_edit_back};
use super::thread::Head;
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::discussions::{self, Details, Spot};
use crate::repos::queries::discussions::DiffSide;
use crate::repos::{Repo, RepoContent, RepoRead};
use crate::web::filters;
use crate::web::form::{Field, Refusal};
use crate::web::layout::Layout;
use crate::web::links::encode_segment;

/// How many changed files a page shows.
const PAGE_LEN: usize = 100;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/files.html")]
struct FilesPage {
    layout: Layout,
    header: RepoHeader,
    head: Head,
    /// Whether the branch is gone that this would be compared with.
    branch_is_gone: bool,
    /// What the forms under comments need.
    desk: Desk,
    files: Vec<ShownFile>,
    /// How many changed files are on the pages before.
    before: usize,
    previous: Option<String>,
    next: Option<String>,
    /// Comments on lines of files that are not changed any more, or are on another page.
    elsewhere: Vec<ThreadView>,
    /// For a line that was asked for, or for scripts to bring to one.
    form: RemarkForm,
    /// Whether the form is shown, and whether at its line.
    asked: bool,
    placed: bool,
    error: Option<String>,
    additions: u64,
    deletions: u64,
    truncated: bool,
}

impl FilesPage {
    /// Whether this is not all of it.
    fn is_paged(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }

    /// Which files these are.
    fn heading(&self) -> String {
        match self.files.len() {
            count if self.is_paged() => format!("Changed files {} to {}", self.before + 1, self.before + count),
            1 => "1 file changed".to_owned(),
            count => format!("{count} files changed"),
        }
    }
}

/// A changed file.
#[derive(Debug)]
struct ShownFile {
    /// Without its lines.
    file: FileDiff,
    lines: Vec<ShownLine>,
    /// Comments on lines that have changed, or are not shown.
    outdated: Vec<ThreadView>,
    /// How many comments are on its lines.
    comments: usize,
}

impl ShownFile {
    /// Whether something was refused that stands among them.
    fn has_outdated_answer(&self) -> bool {
        self.outdated.iter().any(ThreadView::has_refused)
    }
}

/// A line of it.
#[derive(Debug)]
struct ShownLine {
    line: DiffLine,
    /// The form for the line as it was, and as it is.
    old_href: Option<String>,
    new_href: Option<String>,
    threads: Vec<ThreadView>,
    /// Whether the form is here.
    form: bool,
}

/// What the page is asked for besides.
#[derive(Debug, Default)]
struct Asked {
    /// The page, from 0.
    number: usize,
    spot: Option<Spot>,
    typed: String,
    refusal: Refusal,
    /// An answer that was refused.
    answer: Option<Answer>,
    /// An edit that was refused.
    edit: Option<Answer>,
}

pub(super) async fn show_files(page: PageRequest, content: RepoContent) -> HubResult<HttpResponse> {
    let num = num_of(page.http())?;
    let query = page.query();
    let spot = query.get("comment").and_then(spot_of);
    let number = number_of(query.get("p").unwrap_or_default());
    show(&page, &content, num, Asked { number, spot, ..Asked::default() }).await
}

fn number_of(text: &str) -> usize {
    page_number(text, PAGE_LEN)
}

/// What the forms under comments say of the page that they are on.
pub(super) fn sent_from(number: usize) -> String {
    if number == 0 { "files".to_owned() } else { format!("files-{number}") }
}

/// The page of changed files that a form was sent from, if it was none of the conversation.
pub(super) fn number_at(at: &str) -> Option<usize> {
    let rest = at.strip_prefix("files")?;
    Some(number_of(rest.strip_prefix('-').unwrap_or_default()))
}

/// A page of what a pull request changes.
pub(super) fn page_href(repo: &Repo, num: i64, number: usize) -> String {
    let first = format!("{}/discussions/{num}/files", repo.path());
    if number == 0 { first } else { format!("{first}?p={number}") }
}

/// Reads `a/b.txt:new:12`.
fn spot_of(text: &str) -> Option<Spot> {
    let mut parts = text.rsplitn(3, ':');
    let (line, side, path) = (parts.next()?, parts.next()?, parts.next()?);
    Spot::new(path, side, line.parse().ok()?, None).ok()
}

/// Takes a comment on a line, and leads to it; or shows the page with what was wrong and what was typed.
pub(super) async fn post_remark(page: &PageRequest, read: RepoRead, num: i64, form: &CommentForm) -> HubResult<HttpResponse> {
    let line = form.text("line").parse().unwrap_or(0);
    let commit = Some(form.text("commit")).filter(|commit| !commit.is_empty());
    let spot = Spot::new(form.text("path"), form.text("side"), line, commit)?;
    let number = number_of(form.text("p"));
    let attached = form.text_with_files(&page.app, &read, "comment").await;
    let content = discussions::may_propose(&page.app, read).await?;
    let (text, done) = match attached {
        Ok(text) => {
            let done = discussions::remark(&page.app, &content, num, &spot, &text).await;
            (text, done)
        }
        Err(error) => (form.text("comment").to_owned(), Err(error)),
    };
    match done {
        Ok(id) => Ok(page.redirect(&format!("{}#{id}", page_href(&content.repo, num, number)))),
        Err(error) if is_for_the_form(&error) => {
            let asked = Asked { number, spot: Some(spot), typed: text, refusal: Refusal::said(&error), ..Asked::default() };
            Box::pin(show(page, &content, num, asked)).await
        }
        Err(error) => Err(error),
    }
}

/// Shows the page that it was sent from, with an answer that was refused.
pub(super) async fn show_answer(
    page: &PageRequest,
    read: RepoRead,
    (num, number): (i64, usize),
    answer: Answer,
) -> HubResult<HttpResponse> {
    let content = discussions::may_propose(&page.app, read).await?;
    show(page, &content, num, Asked { number, answer: Some(answer), ..Asked::default() }).await
}

/// Shows the page that it was sent from, with an edit that was refused.
pub(super) async fn show_edit(
    page: &PageRequest,
    read: RepoRead,
    (num, number): (i64, usize),
    edit: Answer,
) -> HubResult<HttpResponse> {
    let content = discussions::may_propose(&page.app, read).await?;
    show(page, &content, num, Asked { number, edit: Some(edit), ..Asked::default() }).await
}

async fn show(page: &PageRequest, content: &RepoContent, num: i64, asked: Asked) -> HubResult<HttpResponse> {
    let repo = &content.repo;
    let Details { discussion, events, pull, remarks } = discussions::details(&page.app, repo, num).await?;
    let (header, _) = header_of(page, content, RepoTab::Community).await?;
    let Some(pull) = pull else { return Ok(page.redirect(&format!("{}/discussions/{num}", repo.path()))) };
    let rights = Rights::of(page, content, &discussion);
    let (number, before) = (asked.number, asked.number * PAGE_LEN);
    let DiffPage { files, has_next, is_cut } = diff(page, repo, Some(pull.parted), pull.head, before..before + PAGE_LEN).await?;
    let events = events.into_iter().filter(|event| remarks.thread_of(&event.id).is_some()).collect();
    let mut events = comments::shown(page, content, &discussion, events, (rights, &header.href())).await?;
    let again = asked.answer.as_ref().or(asked.edit.as_ref());
    let status = again.map_or(asked.refusal.status, |again| again.refusal.status);
    let lost_edit = asked.edit.and_then(|edit| put_edit_back(edit, &mut events));
    let snippets = discussions::snippets(&page.app, content, &discussion).await?;
    let mut threads: Vec<ThreadView> = gather(&remarks, &snippets, events).into_iter().filter_map(|item| item.thread).collect();
    let lost = asked.answer.and_then(|answer| put_back(answer, &remarks, threads.iter_mut())).or(lost_edit);
    // What was typed before somebody locked it can be copied from the form.
    let spot = asked.spot.filter(|_| rights.comment || !asked.typed.is_empty());
    let truncated = is_cut || files.iter().any(|file| file.note.as_deref() == Some(LEFT_OUT));
    let files: Vec<ShownFile> =
        files.into_iter().map(|file| shown_file(file, &mut threads, spot.as_ref(), (rights.comment, number))).collect();
    let field = Field { key: "remark-", ..Field::new("comment", "Comment") };
    let field = field.value(asked.typed).error(asked.refusal.message_at("comment"));
    let layout = layout_of(page, repo, &format!("Files changed · {} · #{num}", discussion.title));
    let shown = FilesPage {
        head: Head::of(&discussion, &header.href()),
        branch_is_gone: pull.branch_is_gone,
        desk: Desk { sent_from: sent_from(number), ..Desk::new(&header, &layout, num, rights, "files") },
        layout,
        form: RemarkForm::new(spot.as_ref(), pull.head.to_hex(), number, field),
        asked: spot.is_some(),
        placed: files.iter().any(|file| file.lines.iter().any(|line| line.form)),
        error: lost.map(|lost| lost.refusal.message().to_owned()).or_else(|| asked.refusal.message_elsewhere(&["comment"])),
        additions: files.iter().map(|shown| shown.file.additions).sum(),
        deletions: files.iter().map(|shown| shown.file.deletions).sum(),
        truncated,
        before,
        previous: number.checked_sub(1).map(|number| page_href(repo, num, number)),
        next: has_next.then(|| page_href(repo, num, number + 1)),
        files,
        elsewhere: threads,
        header,
    };
    page.show_with(status, shown).await
}

/// Takes a file's comments out of all, and puts them at its lines. The last are whether the viewer may comment, and the page.
fn shown_file(
    mut file: FileDiff,
    all: &mut Vec<ThreadView>,
    spot: Option<&Spot>,
    (may_comment, number): (bool, usize),
) -> ShownFile {
    let on_page = if number == 0 { String::new() } else { format!("&p={number}") };
    let old_path = file.old_path.clone().unwrap_or_else(|| file.path.clone());
    let path_on = |side: DiffSide| match side {
        DiffSide::Old => old_path.as_str(),
        DiffSide::New => file.path.as_str(),
    };
    let (own, others): (Vec<_>, Vec<_>) = std::mem::take(all).into_iter().partition(|thread| path_on(thread.side) == thread.path);
    *all = others;
    let comments = own.iter().map(|thread| thread.comments.len()).sum();
    file.open |= own.iter().any(ThreadView::has_refused);
    let (mut placed, mut outdated) = (HashMap::<(DiffSide, String), Vec<ThreadView>>::new(), Vec::new());
    for thread in own {
        match thread.now {
            Some(now) => placed.entry((thread.side, now.to_string())).or_default().push(thread),
            None => outdated.push(thread),
        }
    }
    let encoded = [DiffSide::Old, DiffSide::New].map(|side| encode_segment(path_on(side)));
    let spot = spot.filter(|spot| path_on(spot.side()) == spot.path()).map(|spot| (spot.side(), spot.line().to_string()));
    let mut lines = Vec::with_capacity(file.lines.len());
    for line in std::mem::take(&mut file.lines) {
        let mut shown = ShownLine { old_href: None, new_href: None, threads: Vec::new(), form: false, line };
        let sides = [(DiffSide::Old, &shown.line.old_number), (DiffSide::New, &shown.line.new_number)];
        for ((side, line), path) in sides.into_iter().zip(&encoded).filter(|((_, line), _)| !line.is_empty()) {
            let key = (side, line.clone());
            shown.threads.extend(placed.remove(&key).unwrap_or_default());
            shown.form |= spot.as_ref() == Some(&key);
            let href = may_comment.then(|| format!("files?comment={path}:{}:{line}{on_page}#remark-form", side.as_str()));
            match side {
                DiffSide::Old => shown.old_href = href,
                DiffSide::New => shown.new_href = href,
            }
        }
        file.open |= shown.form;
        lines.push(shown);
    }
    outdated.extend(placed.into_values().flatten());
    outdated.sort_by_key(|thread| thread.line);
    ShownFile { file, lines, outdated, comments }
}

#[cfg(test)]
mod tests {
    use super::{PAGE_LEN, number_at, sent_from, spot_of};
    use crate::repos::diff_lines::MAX_FILES;

    #[test]
    fn a_spot_is_read_from_its_end() {
        let spot = spot_of("a:b/c.txt:old:12").unwrap();
        assert_eq!((spot.path(), spot.side().as_str(), spot.line()), ("a:b/c.txt", "old", 12));
        for wrong in ["", "a.txt", "a.txt:new", "a.txt:new:0", "a.txt:left:1", "a.txt:new:x", "a.txt:new:99999999999"] {
            assert_eq!(spot_of(wrong), None, "{wrong}");
        }
        assert!(spot_of(&format!("{}:new:1", "x".repeat(4096))).is_some());
        assert_eq!(spot_of(&format!("{}:new:1", "x".repeat(4097))), None, "too long to be kept");
    }

    #[test]
    fn forms_lead_back_to_the_page_that_they_were_sent_from() {
        for number in [0, 1, 50] {
            assert_eq!(number_at(&sent_from(number)), Some(number));
        }
        for (at, number) in [("talk", None), ("", None), ("files-x", Some(0)), ("files-999999", Some(MAX_FILES / PAGE_LEN - 1))] {
            assert_eq!(number_at(at), number, "{at}");
        }
    }
}
