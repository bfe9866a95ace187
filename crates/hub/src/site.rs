//! What belongs to the hub as a whole: the home page, profiles, the error page; health and metrics for those who run it.

pub mod design;
pub mod error_page;
pub mod health;
pub mod home;
pub mod lineage;
pub mod metrics;
pub mod owner_storage;
pub mod profile;
pub mod storage;
