//! New model, dataset or Space.

use askama::Template;
use hub_types::RepoType;

use crate::web::filters;
use crate::web::form::{Choice, Field};
use crate::web::layout::{Layout, kind_word, new_path};

/// The page.
#[derive(Debug, Template)]
#[template(path = "repos/new.html")]
pub struct NewRepoPage {
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
    /// The licences to choose from.
    pub licenses: Vec<Choice>,
    /// For Spaces: what runs them.
    pub sdks: Vec<Choice>,
    /// The visibility chosen.
    pub private: bool,
}

impl NewRepoPage {
    /// The heading.
    pub fn heading(&self) -> String {
        format!("New {}", kind_word(self.kind))
    }

    /// What it is for.
    pub fn lead(&self) -> &'static str {
        match self.kind {
            RepoType::Model => "A git repository for weights, configuration, tokenizer and a model card.",
            RepoType::Dataset => "A git repository for data files and a dataset card that describes them.",
            RepoType::Space => "A git repository for an app that shows what a model or dataset can do.",
        }
    }

    /// The page's own path.
    pub fn path(&self) -> &'static str {
        new_path(self.kind)
    }

    /// The button.
    pub fn submit_label(&self) -> String {
        format!("Create {}", kind_word(self.kind))
    }
}
