//! Settling what a pull request and its branch both changed, in the browser. Without a script, texts are edited with git's markers in
//! them; a script has buttons for those.

use std::collections::HashMap;

use actix_web::HttpResponse;
use askama::Template;
use hub_cards::{KeyConflict, Side};
use hub_types::Oid;
use serde_json::Value;

use super::super::context::{header_of, layout_of};
use super::super::view::{RepoHeader, RepoTab};
use super::num_of;
use super::thread::Head;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::error::{HubError, HubResult};
use crate::repos::RepoRead;
use crate::repos::discussions::{
    Choice, Conflicting, Conflicts, Heads, Kind, PullWrite, Settlement, Settling, conflicts, pull_to_settle, settle,
};
use crate::repos::queries::discussions::Discussion;
use crate::web::filters;
use crate::web::form::Refusal;
use crate::web::layout::Layout;

/// The largest form: what is typed takes up to six bytes a letter on its way.
const FORM_BYTES: usize = 8 << 20;
/// How many files are looked for in a form, and how many keys of each.
const MAX_FIELDS: usize = 200;
/// How much of a value is shown.
const MAX_VALUE_CHARS: usize = 300;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/discussions/conflicts.html")]
struct ConflictsPage {
    layout: Layout,
    header: RepoHeader,
    head: Head,
    branch: String,
    heads: Heads,
    too_many: bool,
    files: Vec<File>,
    error: Option<String>,
}

/// A file to settle, as the page shows it.
#[derive(Debug)]
struct File {
    path: String,
    seen: String,
    /// How it came to that.
    badge: &'static str,
    /// Why it cannot be edited.
    why: Option<&'static str>,
    /// What was chosen.
    side: String,
    /// What choosing a version does.
    ours: &'static str,
    theirs: &'static str,
    /// The text to edit.
    text: Option<String>,
    /// Whether that is what stands below the metadata of a card.
    is_body: bool,
    keys: Vec<Key>,
    /// What somebody wrote before the file was another one.
    kept: Option<String>,
}

impl File {
    /// Whether it can be settled besides by choosing a version.
    fn is_open(&self) -> bool {
        self.why.is_none()
    }

    /// What is chosen by deciding below.
    fn open_side(&self) -> &'static str {
        if self.is_body { "card" } else { "text" }
    }

    /// The name that tells the language.
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// What in the metadata of a card must be decided.
#[derive(Debug)]
struct Key {
    key: String,
    /// Before, on the branch, in the pull request.
    values: [Option<String>; 3],
    chosen: String,
}

impl Key {
    fn new(conflict: KeyConflict, chosen: &str) -> Self {
        let values = [conflict.base, conflict.ours, conflict.theirs].map(|value| value.map(|value| shown(&value)));
        Self { key: conflict.key, values, chosen: chosen.to_owned() }
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// What somebody sent.
#[derive(Debug, Default)]
struct Typed {
    heads: Option<Heads>,
    files: HashMap<String, TypedFile>,
}

/// What somebody decided about one file.
#[derive(Debug, Default)]
struct TypedFile {
    seen: String,
    side: String,
    text: Option<String>,
    keys: Vec<String>,
}

impl Typed {
    /// Reads a form, looking at each of its fields once.
    fn of(form: &CheckedForm<FORM_BYTES>) -> Self {
        let fields: HashMap<&str, &str> =
            form.fields().pairs().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let get = |name: &str| fields.get(name).copied();
        let oid = |name: &str| get(name).and_then(|text| text.parse::<Oid>().ok());
        let heads = oid("onto").zip(oid("from")).map(|(onto, from)| Heads { onto, from });
        let mut files = HashMap::new();
        for number in 0..MAX_FIELDS {
            let Some(path) = get(&format!("path-{number}")) else { break };
            let text = |name: &str| get(&format!("{name}-{number}")).unwrap_or_default().to_owned();
            let keys = (0..MAX_FIELDS).map_while(|at| get(&format!("key-{number}-{at}"))).map(str::to_owned).collect();
            let file = TypedFile {
                seen: text("seen"),
                side: text("side"),
                text: get(&format!("text-{number}")).map(|text| text.replace("\r\n", "\n")),
                keys,
            };
            files.insert(path.to_owned(), file);
        }
        Self { heads, files }
    }

    fn settlement(&self, heads: Heads) -> Settlement {
        let files = self.files.iter().filter_map(|(path, file)| Some((path.clone(), file.choice()?)));
        Settlement { heads, files: files.collect() }
    }
}

impl TypedFile {
    fn choice(&self) -> Option<Choice> {
        match self.side.as_str() {
            "ours" => Some(Choice::Ours),
            "theirs" => Some(Choice::Theirs),
            "text" => Some(Choice::Text(self.text.clone()?)),
            "card" => {
                Some(Choice::Card(self.keys.iter().map(|key| side_of(key)).collect(), self.text.clone().unwrap_or_default()))
            }
            _ => None,
        }
    }
}

fn side_of(text: &str) -> Option<Side> {
    match text {
        "base" => Some(Side::Base),
        "ours" => Some(Side::Ours),
        "theirs" => Some(Side::Theirs),
        _ => None,
    }
}

pub(super) async fn show_conflicts(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    page.require_session()?;
    let num = num_of(page.http())?;
    let back = format!("{}/discussions/{num}", read.repo.path());
    let Some((pull, found)) = pull_to_settle(&page.app, read, num).await? else { return Ok(page.redirect(&back)) };
    let now = conflicts(&page.app, pull.read(), &found).await?;
    if now.files.is_empty() && !now.too_many {
        return Ok(page.redirect_saying(&back, "Nothing is in conflict any more."));
    }
    show(&page, &pull, &found, now, Typed::default(), Refusal::default()).await
}

pub(super) async fn post_conflicts(page: PageRequest, read: RepoRead, form: CheckedForm<FORM_BYTES>) -> HubResult<HttpResponse> {
    page.require_session()?;
    let num = num_of(page.http())?;
    let back = format!("{}/discussions/{num}", read.repo.path());
    let Some((pull, found)) = pull_to_settle(&page.app, read, num).await? else {
        return Err(HubError::conflict(format!("#{num} is no open pull request: there is nothing to settle.")));
    };
    let typed = Typed::of(&form);
    let done = match typed.heads {
        Some(heads) => settle(&page.app, &pull, &found, typed.settlement(heads)).await,
        None => Err(HubError::bad_request("Open the page again and settle what it shows.")),
    };
    let refusal = match done {
        Ok(true) => return Ok(page.redirect_saying(&back, "The conflicts are settled.")),
        Ok(false) => Refusal::of(HubError::conflict(
            "New commits came to the branch or to the pull request since you opened this page, so nothing was saved. Look at what \
             differs now and settle it; what you wrote is kept below.",
        ))?,
        Err(error) => Refusal::of(error)?,
    };
    let now = conflicts(&page.app, pull.read(), &found).await?;
    show(&page, &pull, &found, now, typed, refusal).await
}

/// Shows what is to be settled now, with what was typed.
async fn show(
    page: &PageRequest,
    pull: &PullWrite,
    found: &Discussion,
    now: Conflicts,
    mut typed: Typed,
    refusal: Refusal,
) -> HubResult<HttpResponse> {
    let read = pull.read();
    let (header, _) = header_of(page, read, RepoTab::Community).await?;
    let files = now.files.into_iter().map(|file| {
        let typed = typed.files.remove(&file.path);
        file_of(file, typed.unwrap_or_default())
    });
    let shown = ConflictsPage {
        files: files.collect(),
        layout: layout_of(page, &read.repo, &format!("Settle conflicts · #{}", found.num)),
        head: Head::of(found, &header.href()),
        branch: now.branch,
        heads: now.heads,
        too_many: now.too_many,
        error: refusal.message_elsewhere(&[]),
        header,
    };
    page.show_with(refusal.status, shown).await
}

fn file_of(file: Conflicting, typed: TypedFile) -> File {
    let is_same = typed.seen == file.seen;
    let (mut why, mut text, mut keys, mut is_body) = (None, None, Vec::new(), false);
    match file.what {
        Settling::Text(marked) => text = Some(marked),
        Settling::Card { keys: conflicts, body } => {
            is_body = true;
            text = body;
            let chosen = |at: usize| typed.keys.get(at).filter(|_| is_same).map_or("", String::as_str);
            keys = conflicts.into_iter().enumerate().map(|(at, conflict)| Key::new(conflict, chosen(at))).collect();
        }
        Settling::Whole(reason) => why = Some(reason),
    }
    let open = if is_body { "card" } else { "text" };
    let side = match typed.side.as_str() {
        side @ ("ours" | "theirs") if is_same => side,
        _ if why.is_none() => open,
        _ => "",
    };
    let (badge, ours, theirs) = match file.kind {
        Kind::Changed => ("Both changed it", "Take its version", "Take its version"),
        Kind::Added => ("Both added it", "Take its version", "Take its version"),
        Kind::DeletedHere => ("Deleted on the branch", "Delete it", "Keep it"),
        Kind::DeletedThere => ("Deleted in the pull request", "Keep it", "Delete it"),
    };
    let (shown, kept) = match (text, typed.text) {
        (Some(_), Some(written)) if is_same => (Some(written.replace("\r\n", "\n")), None),
        (text, written) => (text.map(|text| text.replace("\r\n", "\n")), written.filter(|_| !is_same)),
    };
    File { side: side.to_owned(), path: file.path, seen: file.seen, badge, why, ours, theirs, text: shown, is_body, keys, kept }
}
