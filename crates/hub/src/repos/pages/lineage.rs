//! What a repository was made from, by its bytes, with the evidence.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::BASES;
use super::context::{header_of, layout_of};
use super::view::{RepoHeader, RepoTab};
use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::repos::lineage::{Lineage, Relation, Relative, relatives_of};
use crate::repos::{Repo, RepoEvidence};
use crate::web::filters;
use crate::web::filters::size_text;
use crate::web::layout::Layout;

/// How many files that are the same are named.
const MAX_NAMED_FILES: usize = 4;

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/lineage.html")]
pub(super) struct LineagePage {
    /// The frame.
    pub layout: Layout,
    /// The head.
    pub header: RepoHeader,
    /// The sentence on top.
    pub verdict: Verdict,
    /// Those who had the bytes first, and those who had them later.
    pub groups: Vec<Group>,
    /// What was looked at.
    pub basis: String,
}

/// The finding in a sentence.
#[derive(Debug)]
pub(super) struct Verdict {
    /// `success`, `warning` or `info`.
    pub kind: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// What was found.
    pub text: String,
    /// What one may do about it.
    pub advice: Vec<String>,
}

/// Relatives under a heading.
#[derive(Debug)]
pub(super) struct Group {
    /// The heading.
    pub title: &'static str,
    /// What it means.
    pub lead: &'static str,
    /// The relatives.
    pub rows: Vec<Row>,
}

/// A relative.
#[derive(Debug)]
pub(super) struct Row {
    /// `namespace/name`.
    pub id: String,
    /// Its page.
    pub href: String,
    /// Whether only members see it.
    pub private: bool,
    /// What it is.
    pub relation: &'static str,
    /// Since when it has the bytes.
    pub since: DateTime<Utc>,
    /// The bars.
    pub bars: Vec<Bar>,
    /// Further evidence in words.
    pub notes: Vec<String>,
    /// What the cards say.
    pub badges: Vec<Badge>,
    /// The comparison tensor by tensor.
    pub diff_href: Option<String>,
}

/// A share as a bar.
#[derive(Debug)]
pub(super) struct Bar {
    /// What it is a share of.
    pub label: &'static str,
    /// The share in words.
    pub value: String,
    /// Its length in per cent.
    pub percent: f64,
    /// Which of the colours of charts.
    pub color: u8,
}

/// A short remark.
#[derive(Debug)]
pub(super) struct Badge {
    /// `accent`, `warning` or `danger`.
    pub kind: &'static str,
    /// Its text.
    pub text: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for base in BASES {
        config.route(&format!("{base}/lineage"), crate::web::read().to(show_lineage));
    }
}

async fn show_lineage(page: PageRequest, evidence: RepoEvidence) -> HubResult<HttpResponse> {
    let repo = &evidence.repo;
    let lineage = relatives_of(&page.app, &evidence).await?;
    let (header, _) = header_of(&page, &evidence, RepoTab::Settings).await?;
    let verdict = verdict(repo, lineage.parent(), lineage.relatives.is_empty());
    let basis = match (lineage.sketched, lineage.large_bytes) {
        (true, bytes) => format!("Looked at {} of large files, and at samples of the weights.", size_text(bytes)),
        (false, 0) => "This repository has no large files yet; there is nothing to compare.".to_owned(),
        (false, bytes) => format!(
            "Looked at {} of large files. There are no safetensors weights to sample, or they wait for their turn.",
            size_text(bytes)
        ),
    };
    let groups = groups(repo, &lineage);
    page.show(LineagePage { layout: layout_of(&page, repo, "Lineage"), header, verdict, groups, basis }).await
}

/// The likely parent alone; then what else was there earlier (copies of the parent, its other children); then what came
/// later.
fn groups(repo: &Repo, lineage: &Lineage) -> Vec<Group> {
    let parent = lineage.parent().map(|parent| parent.repo.pk);
    let place = |relative: &Relative| match relative.is_source {
        true if Some(relative.repo.pk) == parent => 0,
        true => 1,
        false => 2,
    };
    let headings = [
        ("Most likely source", "The closest relative that had its bytes earlier."),
        (
            "Other relatives that came earlier",
            "Copies of the source, what else was made from it, or what it was made from itself.",
        ),
        ("Relatives that came later", "What may have been made from this one, or from the same source."),
    ];
    let group = |(at, (title, lead))| Group {
        title,
        lead,
        rows: lineage
            .relatives
            .iter()
            .filter(|relative| place(relative) == at)
            .map(|relative| row(repo, relative, lineage))
            .collect(),
    };
    headings.into_iter().enumerate().map(group).filter(|group| !group.rows.is_empty()).collect()
}

fn verdict(repo: &Repo, parent: Option<&Relative>, alone: bool) -> Verdict {
    let Some(parent) = parent else {
        let text = match alone {
            true => "Nothing on this hub that you can download resembles it.".to_owned(),
            false => "No repository that had its bytes earlier looks like its parent.".to_owned(),
        };
        return Verdict { kind: "info", icon: "info", text, advice: Vec::new() };
    };
    let how = match parent.relation {
        Relation::Identical => "has the same weights or files as",
        Relation::Converted => "has the weights of",
        Relation::Finetune | Relation::SharesFiles => "was trained from",
    };
    let tail = if parent.relation == Relation::Converted { ", in another number type" } else { "" };
    let mut advice = Vec::new();
    if !parent.declared {
        advice.push(format!("The card does not name it: add `base_model: {}`.", parent.repo.id));
    }
    if parent.license_conflict {
        advice.push(format!("The licences differ: the source says {}.", licenses(&parent.license)));
    }
    let (kind, icon) = if advice.is_empty() { ("success", "circle-check") } else { ("warning", "triangle-alert") };
    Verdict {
        kind,
        icon,
        text: format!("Most likely this {} {how} {}{tail}.", crate::web::layout::kind_word(repo.repo_type), parent.repo.id),
        advice,
    }
}

fn licenses(list: &[String]) -> String {
    if list.is_empty() { "nothing".to_owned() } else { list.join(", ") }
}

fn row(repo: &Repo, relative: &Relative, lineage: &Lineage) -> Row {
    let mut bars = Vec::new();
    if let Some(similarity) = &relative.similarity {
        if let Some(correlation) = similarity.correlation {
            let percent = (correlation * 100.0).clamp(0.0, 100.0);
            bars.push(Bar { label: "Weights correlate", value: correlation_text(correlation), percent, color: 1 });
        }
        let share = 100.0 * similarity.equal as f64 / similarity.compared.max(1) as f64;
        let value = format!("{} of {}", similarity.equal, similarity.compared);
        bars.push(Bar { label: "Sampled tensors equal", value, percent: share, color: 3 });
    }
    if relative.shared_bytes > 0 {
        let percent = relative.shared_share * 100.0;
        let value = format!("{} · {}", size_text(relative.shared_bytes), percent_text(percent));
        bars.push(Bar { label: "Bytes shared", value, percent, color: 2 });
    }
    Row {
        id: relative.repo.id.to_string(),
        href: relative.repo.path(),
        private: relative.repo.private,
        relation: match relative.relation {
            Relation::Identical => "Identical",
            Relation::Converted => "Converted",
            Relation::Finetune => "Fine-tune",
            Relation::SharesFiles => "Shares files",
        },
        since: relative.since,
        bars,
        notes: notes(relative),
        badges: badges(relative, lineage),
        diff_href: relative.similarity.map(|_| diff_href(repo, relative)),
    }
}

/// The comparison of the younger one with the older one.
fn diff_href(repo: &Repo, relative: &Relative) -> String {
    let (child, parent) = if relative.is_source { (repo, &relative.repo) } else { (&relative.repo, repo) };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("base", &parent.id.to_string());
    format!("{}/tensor-diff?{}", child.path(), query.finish())
}

fn notes(relative: &Relative) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(similarity) = relative.similarity.filter(|similarity| similarity.relative_delta > 0.0) {
        notes.push(format!("Weights moved by {} of their size", percent_text(similarity.relative_delta * 100.0)));
    }
    let files = &relative.identical_files;
    if !files.is_empty() {
        let named: Vec<String> = files.iter().take(MAX_NAMED_FILES).map(|path| format!("`{}`", path.replace('`', "'"))).collect();
        let more = files.len().saturating_sub(MAX_NAMED_FILES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(format!("Same file: {}{more}", named.join(", ")));
    }
    notes
}

fn badges(relative: &Relative, lineage: &Lineage) -> Vec<Badge> {
    let mut badges = Vec::new();
    let is_parent = lineage.parent().is_some_and(|parent| parent.repo.pk == relative.repo.pk);
    if relative.declared {
        badges.push(Badge { kind: "accent", text: "Declared".to_owned() });
    }
    // Of further relatives no card need say anything.
    if is_parent && !relative.declared {
        badges.push(Badge { kind: "warning", text: "Not declared".to_owned() });
    }
    if relative.license_conflict && (is_parent || (relative.declared && !relative.is_source)) {
        let text = format!("Licence: {} here, {} there", licenses(&lineage.declared.license), licenses(&relative.license));
        badges.push(Badge { kind: "danger", text });
    }
    badges
}

/// Never `1` for what is not quite that.
fn correlation_text(correlation: f64) -> String {
    match correlation {
        r if r >= 1.0 => "1".to_owned(),
        r if r > 0.9999 => "> 0.9999".to_owned(),
        r => format!("{r:.4}"),
    }
}

/// Per cent with as many digits as say something; never `100 %` or `0 %` for what is not quite that.
pub(super) fn percent_text(percent: f64) -> String {
    match percent {
        p if p == 0.0 || p >= 100.0 => format!("{p:.0} %"),
        p if p > 99.95 => "99.9 %".to_owned(),
        p if p < 0.01 => "< 0.01 %".to_owned(),
        p if p < 1.0 => format!("{p:.2} %"),
        p if !(10.0..=99.0).contains(&p) => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::percent_text;

    #[test]
    fn percentages_do_not_exaggerate() {
        for (number, text) in [
            (0.0, "0 %"),
            (100.0, "100 %"),
            (99.999, "99.9 %"),
            (0.001, "< 0.01 %"),
            (0.123, "0.12 %"),
            (4.25, "4.2 %"),
            (42.0, "42 %"),
        ] {
            assert_eq!(percent_text(number), text);
        }
    }
}
