//! What follows from the licence of a repository and of what it was made from, next to its card.

use hub_types::RepoType;

use crate::accounts::page::PageRequest;
use crate::error::HubResult;
use crate::licences::follows::{Consequences, Finding, Weight, consequences};
use crate::repos::licence_chain::{Chain, chain_of, licences_of};
use crate::repos::queries::listing::ListedRepo;

/// How many findings are shown before one asks for all.
const SHOWN: usize = 3;
/// How many names of things that are elsewhere are shown.
const ELSEWHERE: usize = 12;

/// What follows.
#[derive(Debug)]
pub(super) struct LicenceNote {
    /// What may be done, what is asked, and what contradicts.
    pub follows: Consequences,
    /// What it was made from and is not here, or not for the viewer.
    pub elsewhere: Vec<String>,
}

impl LicenceNote {
    /// The findings that are always shown.
    pub(super) fn shown(&self) -> &[Finding] {
        self.follows.findings.get(..SHOWN.min(self.follows.findings.len())).unwrap_or_default()
    }

    /// The others.
    pub(super) fn hidden(&self) -> &[Finding] {
        self.follows.findings.get(SHOWN..).unwrap_or_default()
    }

    /// The look of a finding.
    #[expect(clippy::unused_self, reason = "templates call methods of what they have")]
    pub(super) fn class(&self, finding: &Finding) -> &'static str {
        match finding.weight {
            Weight::Conflict => "notice-error",
            Weight::Notice => "notice-warning",
            Weight::Unknown => "",
        }
    }

    /// Its icon.
    #[expect(clippy::unused_self, reason = "templates call methods of what they have")]
    pub(super) fn icon(&self, finding: &Finding) -> &'static str {
        match finding.weight {
            Weight::Conflict => "circle-alert",
            Weight::Notice => "triangle-alert",
            Weight::Unknown => "info",
        }
    }
}

/// What follows for a repository; nothing for Spaces, whose licence is that of their code alone.
///
/// # Errors
/// The database does not answer.
pub(super) async fn licence_note(page: &PageRequest, repo: &ListedRepo) -> HubResult<Option<LicenceNote>> {
    if !matches!(repo.repo_type, RepoType::Model | RepoType::Dataset) {
        return Ok(None);
    }
    let own = licences_of(&repo.tags);
    let chain = match repo.repo_type {
        RepoType::Model => chain_of(&page.app, &page.viewer, repo).await?,
        RepoType::Dataset | RepoType::Space | RepoType::Bucket => Chain::default(),
    };
    let follows = consequences(&repo.id(), &own, &chain.parts, &chain.elsewhere);
    Ok(Some(LicenceNote { follows, elsewhere: chain.elsewhere.into_iter().map(|(id, _)| id).take(ELSEWHERE).collect() }))
}
