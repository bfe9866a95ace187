//! What the Hub API says about repositories and their files.

mod browse;
mod cards;
mod commits;
mod info;
mod lists;
mod owners;
mod refs;
mod resolve;
mod seeded;
