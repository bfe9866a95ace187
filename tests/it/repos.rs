//! What the Hub API says about repositories and their files.

mod resolve;
