//! The Hub API about repositories. Handlers parse, call one operation, and word its result.

mod archive;
mod buckets;
mod changes;
mod commit;
mod commits;
mod conversion;
mod discussions;
mod extras;
mod fields;
mod gating;
mod groups;
mod info;
mod json;
mod lfs_files;
mod lifecycle;
mod likes;
pub(in crate::repos) mod lineage;
mod list;
mod ndjson;
mod owners;
mod parquet;
pub(in crate::repos) mod preupload;
mod refs;
mod related;
pub mod resolve;
mod safetensors;
mod siblings;
mod space_search;
mod tags_by_type;
mod tail;
mod tree;
mod trending;
mod validate_yaml;

use actix_web::web;

/// The pattern of every path about one repository under `/api`.
pub const REPO: &str = "/api/{repo_type:models|datasets|spaces}/{namespace}/{name}";

/// The same for buckets, which have no revisions.
pub const BUCKET: &str = "/api/{repo_type:buckets}/{namespace}/{name}";

/// Mounts this slice's API.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .configure(lifecycle::routes)
        .configure(buckets::routes)
        .configure(changes::routes)
        .configure(commit::routes)
        .configure(preupload::routes)
        .configure(list::routes)
        .configure(space_search::routes)
        .configure(tags_by_type::routes)
        .configure(validate_yaml::routes)
        .configure(owners::routes)
        .configure(archive::routes)
        .configure(tree::routes)
        .configure(commits::routes)
        .configure(refs::routes)
        .configure(conversion::routes)
        .configure(discussions::routes)
        .configure(gating::routes)
        .configure(groups::routes)
        .configure(lfs_files::routes)
        .configure(likes::routes)
        .configure(trending::routes)
        .configure(lineage::routes)
        .configure(related::routes)
        .configure(safetensors::routes)
        .configure(parquet::routes)
        .configure(info::routes);
}
