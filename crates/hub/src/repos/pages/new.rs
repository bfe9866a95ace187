//! New model, dataset, Space or bucket.

use actix_web::{HttpResponse, web};
use askama::Template;
use hub_cards::known;
use hub_types::{RepoPath, RepoType};

use super::owners::{groups_of, owners_of};
use crate::accounts::User;
use crate::accounts::page::{CheckedForm, PageRequest};
use crate::accounts::queries::find_namespace;
use crate::error::HubResult;
use crate::repos::buckets::create::{NewBucket, create_bucket};
use crate::repos::create::{NewRepo, create_repo, starter_card};
use crate::web::filters;
use crate::web::form::{Choice, Field, Refusal};
use crate::web::layout::{Layout, kind_word, new_path};

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/new.html")]
pub(super) struct NewRepoPage {
    /// The frame.
    pub layout: Layout,
    /// What is made.
    pub kind: RepoType,
    /// What concerns the whole form.
    pub error: Option<String>,
    /// Who may own it.
    pub owners: Vec<Choice>,
    /// The name.
    pub name: Field,
    /// The licence.
    pub license: Field,
    /// The licences to choose from, where there is a card to write one into.
    pub licenses: Vec<Choice>,
    /// For Spaces: what runs them.
    pub sdks: Vec<Choice>,
    /// The visibility chosen.
    pub private: bool,
    /// The resource group.
    pub group: Field,
    /// The groups of all owners to choose from; empty where there are none.
    pub groups: Vec<Choice>,
}

impl NewRepoPage {
    /// The heading.
    pub(super) fn heading(&self) -> String {
        format!("New {}", kind_word(self.kind))
    }

    /// What it is for.
    pub(super) fn lead(&self) -> &'static str {
        match self.kind {
            RepoType::Model => "A git repository for weights, configuration, tokenizer and a model card.",
            RepoType::Dataset => "A git repository for data files and a dataset card that describes them.",
            RepoType::Space => "A git repository for an app that shows what a model or dataset can do.",
            RepoType::Bucket => {
                "Storage without git, for what changes all the time: checkpoints, logs, intermediate data. The last writer wins."
            }
        }
    }

    /// The page's own path.
    pub(super) fn path(&self) -> &'static str {
        new_path(self.kind)
    }

    /// The button.
    pub(super) fn submit_label(&self) -> String {
        format!("Create {}", kind_word(self.kind))
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for kind in RepoType::EVERY {
        let path = format!("/{}", new_path(kind));
        config
            .route(&path, crate::web::read().to(move |page: PageRequest| show_new(page, kind)))
            .route(&path, web::post().to(move |page: PageRequest, form: CheckedForm| post_new(page, kind, form)));
    }
}

/// What Spaces are made with here; the first is chosen if nothing else is asked for.
const SDKS: [&str; 3] = ["gradio", "docker", "static"];

/// What was filled in.
#[derive(Debug, Default)]
struct NewRepoForm {
    owner: String,
    name: String,
    license: String,
    sdk: String,
    private: bool,
    group: String,
}

async fn show_new(page: PageRequest, kind: RepoType) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    page.app.require_new(kind)?;
    let owner = page.query().get("owner").unwrap_or(&user.name).to_owned();
    let group = page.query().get("resource_group").unwrap_or_default().to_owned();
    let name = page.query().get("name").unwrap_or_default().to_owned();
    let sdk = page.query().get("sdk").filter(|sdk| SDKS.contains(sdk)).unwrap_or(SDKS[0]).to_owned();
    let organization = user.memberships.iter().find(|membership| membership.name == owner);
    let namespace = match organization {
        Some(membership) => find_namespace(&mut *page.app.pool.acquire().await?, &membership.name).await?,
        None => None,
    };
    let private = namespace.is_some_and(|namespace| namespace.default_private);
    let form = NewRepoForm { owner, name, group, private, sdk, ..NewRepoForm::default() };
    let shown = new_page(&page, user, kind, &form, &Refusal::default());
    page.show(shown).await
}

async fn post_new(page: PageRequest, kind: RepoType, form: CheckedForm) -> HubResult<HttpResponse> {
    let user = page.require_session()?;
    let form = NewRepoForm {
        owner: form.text("owner").to_owned(),
        name: form.text("name").to_owned(),
        license: form.text("license").to_owned(),
        sdk: form.text("sdk").to_owned(),
        private: form.text("visibility") == "private",
        group: form.text("resource_group").to_owned(),
    };
    match create(&page, kind, &form).await {
        Ok(path) => Ok(page.redirect(&path)),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let shown = new_page(&page, user, kind, &form, &refusal);
            page.show_with(refusal.status, shown).await
        }
    }
}

async fn create(page: &PageRequest, kind: RepoType, form: &NewRepoForm) -> HubResult<String> {
    let namespace = Some(form.owner.clone()).filter(|owner| !owner.is_empty());
    let resource_group = Some(form.group.clone()).filter(|group| !group.is_empty());
    if kind == RepoType::Bucket {
        let new = NewBucket { namespace, name: form.name.clone(), private: Some(form.private), resource_group };
        return Ok(create_bucket(&page.app, &page.viewer, &new, page.base.as_str()).await?.path());
    }
    let sdk = (kind == RepoType::Space).then_some(form.sdk.as_str());
    let card = starter_card(kind, Some(&form.license), sdk, &form.name)?;
    let files = match card {
        Some(text) => vec![(RepoPath::new("README.md")?, text.into_bytes())],
        None => Vec::new(),
    };
    let new = NewRepo { repo_type: kind, namespace, name: form.name.clone(), private: Some(form.private), resource_group, files };
    Ok(create_repo(&page.app, &page.viewer, &new, page.base.as_str()).await?.path())
}

fn new_page(page: &PageRequest, user: &User, kind: RepoType, form: &NewRepoForm, refusal: &Refusal) -> NewRepoPage {
    let label = match kind {
        RepoType::Model => "Model name",
        RepoType::Dataset => "Dataset name",
        RepoType::Space => "Space name",
        RepoType::Bucket => "Bucket name",
    };
    let mut name =
        Field::new("name", label).value(&form.name).hint("Letters, digits, `-`, `_` or `.`: it becomes part of the address.");
    // Whatever is refused here is about the id; the other fields are choices.
    name.error = refusal.message_elsewhere(&["resource_group"]);
    let licenses = known::LICENSES.iter().map(|id| Choice::new(*id, *id, &form.license));
    let sdk = |id: &'static str, label, hint| Choice::new(id, label, &form.sdk).hint(hint);
    NewRepoPage {
        layout: page.layout(format!("New {}", kind_word(kind))),
        kind,
        error: None,
        owners: owners_of(user, &form.owner),
        name,
        license: Field::new("license", "Licence").hint("Written into the card, where people look for it."),
        licenses: match kind.has_git() {
            true => std::iter::once(Choice::new("", "None yet", &form.license)).chain(licenses).collect(),
            false => Vec::new(),
        },
        sdks: match kind {
            RepoType::Space => vec![
                sdk(SDKS[0], "Gradio", "Python interfaces for models."),
                sdk(SDKS[1], "Docker", "Anything in a container."),
                sdk(SDKS[2], "Static", "HTML, CSS and JavaScript."),
            ],
            RepoType::Model | RepoType::Dataset | RepoType::Bucket => Vec::new(),
        },
        private: form.private,
        group: refusal
            .mark(Field::new("resource_group", "Resource group").hint("Of the owner: only its members see what is private.")),
        groups: groups_of(user, None, &form.group),
    }
}
