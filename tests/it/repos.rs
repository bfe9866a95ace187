//! What the Hub API says about repositories and their files.

mod browse;
mod cards;
mod commit;
mod commits;
mod info;
mod lfs_files;
mod lifecycle;
mod likes;
mod lists;
mod owners;
mod preupload;
mod refs;
mod resolve;
pub(crate) mod seeded;
