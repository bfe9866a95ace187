//! What the Hub API says about repositories and their files.

mod browse;
mod commits;
mod refs;
mod resolve;
mod seeded;
