//! What there is about buckets, which have neither git nor a gate: fewer routes than other repositories.

use super::Needs::{self, Admin, Content, Read, Write};

/// What programs ask, as in [`super::repos::CALLS`].
pub(super) const BUCKET_CALLS: &[(&str, &str, Needs, &str)] = &[
    ("GET", "API", Content, ""),
    ("GET", "API/tree", Content, ""),
    ("GET", "API/tree/f", Content, ""),
    ("POST", "API/paths-info", Content, r#"{"paths": ["f"]}"#),
    ("GET", "API/events", Content, ""),
    ("GET", "API/xet-read-token", Content, ""),
    ("GET", "API/xet-write-token", Write, ""),
    ("POST", "API/batch", Write, "{}"),
    ("POST", "API/place", Write, r#"{"files": []}"#),
    ("PUT", "API/settings", Admin, "{}"),
    ("GET", "API/changes", Admin, ""),
    ("POST", "API/changes/1/undo", Admin, ""),
    ("GET", "API/resource-group", Read, ""),
    ("POST", "API/resource-group", Admin, r#"{"resourceGroupId": "none"}"#),
    ("GET", "GIT/resolve/f", Content, ""),
    ("HEAD", "GIT/resolve/f", Content, ""),
    ("POST", "LFS/objects/batch", Content, r#"{"operation": "download", "objects": []}"#),
    ("POST", "LFS/objects/batch", Write, r#"{"operation": "upload", "objects": []}"#),
];

/// What people open and send, as in [`super::repos::PAGES`].
pub(super) const BUCKET_PAGES: &[(&str, &str, Needs)] = &[
    ("GET", "", Content),
    ("GET", "/tree", Content),
    ("GET", "/tree/", Content),
    ("GET", "/upload/", Write),
    ("POST", "/upload/", Write),
    ("GET", "/change/?do=burn&name=f", Write),
    ("POST", "/change/", Write),
    ("POST", "/view-content", Read),
    ("GET", "/settings", Admin),
    ("GET", "/settings/history", Admin),
    ("POST", "/settings/history/1/undo", Admin),
    ("POST", "/settings/visibility", Admin),
    ("POST", "/settings/audience", Admin),
    ("POST", "/settings/resource-group", Admin),
    ("POST", "/settings/move", Admin),
    ("POST", "/settings/delete", Admin),
];
