//! What the Hub API says about repositories and their files.

mod archive;
mod browse;
mod cards;
mod commit;
mod commits;
mod derived;
mod expanded;
mod info;
mod lfs_files;
mod lifecycle;
mod likes;
mod lists;
mod owners;
mod parquet;
mod preupload;
mod refs;
mod resolve;
mod safetensors;
pub(crate) mod seeded;
