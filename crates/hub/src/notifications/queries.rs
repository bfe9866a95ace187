//! Every statement on notifications, on what people watch, and on their settings.

pub mod inbox;
pub mod mail;
pub mod tell;
pub mod threads;
pub mod watches;
