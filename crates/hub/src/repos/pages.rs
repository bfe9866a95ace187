//! Pages about repositories.

mod access_requests;
mod audience;
mod blob;
mod branch_files;
mod bucket;
mod bucket_change;
mod bucket_upload;
mod card;
mod card_editor;
mod commit;
mod commits;
mod compare;
pub(in crate::repos) mod configs;
mod context;
mod conversion;
pub(in crate::repos) mod data_files;
mod deleted;
mod diff;
mod discussions;
mod facts;
mod file_changes;
mod file_editor;
mod find;
mod gate;
mod gated_repos;
mod history;
mod inferred;
mod licence_note;
mod likes;
mod lineage;
pub mod list;
pub mod lists;
mod markdown;
mod media;
mod new;
pub mod owner_card;
mod owners;
mod parquet;
mod preview;
mod publishers;
mod refs;
mod related;
mod relations;
mod results;
mod rows;
mod security;
mod settings;
mod snippets;
mod tags;
mod target;
mod tensor_diff;
mod tensors;
mod tree;
mod trending;
mod upload;
mod usage;
pub mod view;

use actix_web::web;

/// The paths of a repository's pages: models stand at the root.
const BASES: [&str; 2] = ["/{repo_type:datasets|spaces}/{namespace}/{name}", "/{namespace}/{name}"];

/// The same of a bucket, which has fewer.
const BUCKET_BASE: &str = "/{repo_type:buckets}/{namespace}/{name}";

/// Mounts them. Lists and forms come before `/{namespace}/{name}`.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(list::routes)
        .configure(new::routes)
        .configure(deleted::routes)
        .configure(bucket::routes)
        .configure(bucket_upload::routes)
        .configure(bucket_change::routes)
        .configure(tree::routes)
        .configure(blob::routes)
        .configure(commits::routes)
        .configure(commit::routes)
        .configure(refs::routes)
        .configure(upload::routes)
        .configure(file_editor::routes)
        .configure(file_changes::routes)
        .configure(history::routes)
        .configure(settings::routes)
        .configure(gated_repos::routes)
        .configure(access_requests::routes)
        .configure(publishers::routes)
        .configure(gate::routes)
        .configure(discussions::routes)
        .configure(likes::routes)
        .configure(audience::routes)
        .configure(trending::routes)
        .configure(lineage::routes)
        .configure(related::routes)
        .configure(tensor_diff::routes)
        .configure(find::routes)
        .configure(compare::routes)
        .configure(card_editor::routes)
        .configure(inferred::routes)
        .configure(conversion::routes)
        .configure(usage::routes)
        .configure(tensors::routes)
        .configure(card::routes);
}
