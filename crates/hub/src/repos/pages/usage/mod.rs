//! "Use this model": how the tools people have load a repository from this hub. A page of its own, which a script opens
//! as a dialog where it can.

mod libraries;

use actix_web::{HttpResponse, web};
use askama::Template;

use self::libraries::{Library, Subject, libraries_of};
use super::BASES;
use super::context::{header_with, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::RepoRead;
use crate::repos::listing::Columns;
use crate::web::filters;
use crate::web::layout::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/usage.html")]
struct UsagePage {
    layout: Layout,
    header: RepoHeader,
    /// The libraries to choose from.
    choices: Vec<LibraryLink>,
    /// The one that is shown.
    label: &'static str,
    install: &'static str,
    note: &'static str,
    snippets: Vec<Snippet>,
    /// Whether one must log in to download anything.
    needs_login: bool,
}

/// A library to choose.
#[derive(Debug)]
struct LibraryLink {
    icon: &'static str,
    label: &'static str,
    href: String,
    current: bool,
}

/// Code to copy.
#[derive(Debug)]
struct Snippet {
    language: &'static str,
    title: String,
    code: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/use"), crate::web::read().to(show_usage));
    }
}

async fn show_usage(page: PageRequest, read: RepoRead) -> HubResult<HttpResponse> {
    let columns = Columns { card: true, facts: true, siblings: true };
    let (header, derived) = header_with(&page, &read, RepoTab::Other, columns).await?;
    let subject = Subject { header: &header, derived: &derived };
    let libraries = libraries_of(&subject);
    let wanted = page.query().get("with").map(str::to_owned);
    let chosen = libraries.iter().find(|library| Some(library.id.as_str()) == wanted.as_deref());
    // The commands fit every repository, so the list is never empty.
    let Some(chosen) = chosen.or_else(|| libraries.first()) else { return Ok(page.redirect(&header.href())) };
    let snippet = |(language, title, code)| Snippet { language, title, code };
    let shown = UsagePage {
        layout: layout_of(&page, &read.repo, &format!("Use with {}", chosen.label)),
        choices: libraries.iter().map(|library| link(&header, library, &chosen.id)).collect(),
        label: &chosen.label,
        install: &chosen.install,
        note: &chosen.note,
        snippets: chosen.code_for(&subject).into_iter().map(snippet).collect(),
        needs_login: header.private || header.gated,
        header,
    };
    page.show(shown).await
}

fn link(header: &RepoHeader, library: &'static Library, chosen: &str) -> LibraryLink {
    LibraryLink {
        icon: &library.icon,
        label: &library.label,
        href: format!("{}/use?with={}", header.href(), library.id),
        current: library.id == chosen,
    }
}
