//! Pictures and other files that people add to what they say. What they are is told by their content; what a browser could run is not
//! among them. Comments lead to them by their address, and what no comment leads to is collected (`gc`).

use std::io::Cursor;

use actix_web::web::Bytes;
use hub_storage::StorageKey;
use image::ImageReader;

use super::{metadata, participant};
use crate::accounts::UserPk;
use crate::accounts::queries::lock_user;
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::quotas;
use crate::repos::access::RepoRead;
use crate::repos::queries::attachments::{NewAttachment, count_lately, insert_attachment};

/// The largest file, in bytes.
pub const MAX_ATTACHMENT_BYTES: usize = 10 * 1024 * 1024;
/// How many files somebody adds in a day.
const MOST_A_DAY: i64 = 200;
/// How large they are together, in bytes.
const MOST_BYTES_A_DAY: i64 = 500 * 1024 * 1024;
/// The largest width and height of a picture, in pixels: a few kilobytes can ask browsers for gigabytes.
const MAX_SIDE: u32 = 12_000;
/// The longest name without its extension.
const LONGEST_STEM: usize = 80;
/// What texts are called. None of these opens in a browser as a page.
const TEXT_EXTENSIONS: [&str; 12] = ["txt", "log", "md", "csv", "tsv", "json", "jsonl", "yaml", "yml", "toml", "py", "diff"];

/// A file that was added.
#[derive(Debug)]
pub struct Attached {
    /// Where it is.
    pub url: String,
    /// How a comment shows it.
    pub markdown: String,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
    Gif,
    WebP,
    Pdf,
    Zip,
    Text,
}

impl Kind {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            [] => None,
            _ => is_text(bytes).then_some(Self::Text),
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Pdf => "pdf",
            Self::Zip => "zip",
            Self::Text => "txt",
        }
    }

    const fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Gif | Self::WebP)
    }
}

/// Whether something is text: UTF-8 without control characters, but for those of terminals.
fn is_text(bytes: &[u8]) -> bool {
    let may_stand = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{8}' | '\u{1b}');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(may_stand))
}

/// Adds a file to what somebody is about to say about a repository.
///
/// # Errors
/// 400 for what is none of the kinds, or too much for a day; 401 or 403 for those who take no part; 413 for a large one, and when the
/// repository's owner has no room for it.
pub async fn attach(app: &App, read: &RepoRead, name: &str, bytes: Bytes) -> HubResult<Attached> {
    let user_pk = participant(read)?;
    if bytes.len() > MAX_ATTACHMENT_BYTES {
        return Err(too_large());
    }
    let size_of = |bytes: &Bytes| i64::try_from(bytes.len()).map_err(HubError::internal);
    check_room(&mut *app.pool.acquire().await?, user_pk, size_of(&bytes)?).await?;
    let (kind, bytes) = tokio::task::spawn_blocking(move || inspect(bytes)).await??;
    let size_bytes = size_of(&bytes)?;
    quotas::require_room(app, read.repo.pk, size_bytes.unsigned_abs()).await?;
    let stem = stem_of(name, kind);
    let name = format!("{stem}.{}", extension_of(name, kind));
    let public_id = hex::encode(rand::random::<[u8; 16]>());
    app.store.put_bytes(&StorageKey::attachment(&public_id), bytes).await?;
    let mut tx = app.begin().await?;
    lock_user(&mut tx, user_pk).await?;
    check_room(&mut tx, user_pk, size_bytes).await?;
    let new = NewAttachment {
        public_id: &public_id,
        repo_pk: read.repo.pk,
        user_pk,
        name: &name,
        content_type: kind.content_type(),
        size_bytes,
    };
    insert_attachment(&mut tx, &new).await?;
    quotas::check_added(app, &mut tx, read.repo.pk, size_bytes.unsigned_abs()).await?;
    tx.commit().await?;
    let url = format!("/uploads/{public_id}/{name}");
    let sign = if kind.is_picture() { "!" } else { "" };
    let label = if kind.is_picture() { stem } else { name };
    Ok(Attached { markdown: format!("{sign}[{label}]({url})"), url })
}

/// 413 for a file that is too large.
pub fn too_large() -> HubError {
    let megabytes = MAX_ATTACHMENT_BYTES / 1024 / 1024;
    HubError::too_large(format!("Files in comments have at most {megabytes} MB: make it smaller, or put it into the repository."))
}

async fn check_room(conn: &mut sqlx::PgConnection, user_pk: UserPk, more: i64) -> HubResult<()> {
    let (count, bytes) = count_lately(conn, user_pk).await?;
    if count < MOST_A_DAY && bytes + more <= MOST_BYTES_A_DAY {
        return Ok(());
    }
    let megabytes = MOST_BYTES_A_DAY / 1024 / 1024;
    let text = format!(
        "You added as much today as one may: {MOST_A_DAY} files, or {megabytes} MB. Go on tomorrow, or put files into a repository."
    );
    Err(HubError::bad_request(text).at("comment"))
}

/// Finds out what a file is, and takes out of pictures what they say besides what they show.
fn inspect(bytes: Bytes) -> HubResult<(Kind, Bytes)> {
    let unknown = || {
        HubError::bad_request(
            "Comments take pictures (PNG, JPEG, GIF, WebP), PDF, ZIP and text. Put other files into a ZIP archive.",
        )
        .at("comment")
    };
    let damaged = || HubError::bad_request("This picture is damaged: save it anew, and add it again.").at("comment");
    let kind = Kind::of(&bytes).ok_or_else(unknown)?;
    if kind.is_picture() {
        let (width, height) = sides(kind, &bytes).ok_or_else(damaged)?;
        if width > MAX_SIDE || height > MAX_SIDE {
            let text = format!("This picture is too large: make it at most {MAX_SIDE} pixels wide and high.");
            return Err(HubError::bad_request(text).at("comment"));
        }
    }
    let stripped = match kind {
        Kind::Jpeg => metadata::strip_jpeg(&bytes),
        Kind::Png => metadata::strip_png(&bytes),
        Kind::WebP => metadata::strip_webp(&bytes),
        Kind::Gif | Kind::Pdf | Kind::Zip | Kind::Text => return Ok((kind, bytes)),
    };
    Ok((kind, stripped.ok_or_else(damaged)?.into()))
}

/// How wide and high a picture says that it is.
fn sides(kind: Kind, bytes: &[u8]) -> Option<(u32, u32)> {
    if kind == Kind::Gif {
        let side = |at: usize| Some(u32::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
        return Some((side(6)?, side(8)?));
    }
    ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.into_dimensions().ok()
}

/// The name without its extension, in characters that mean nothing in Markdown and in addresses.
fn stem_of(name: &str, kind: Kind) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let stem: String = stem.chars().map(plain).take(LONGEST_STEM).collect();
    match stem.trim_matches('-') {
        "" if kind.is_picture() => "picture".to_owned(),
        "" => "file".to_owned(),
        stem => stem.to_owned(),
    }
}

fn extension_of(name: &str, kind: Kind) -> String {
    let given = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    if kind == Kind::Text && TEXT_EXTENSIONS.contains(&given.as_str()) { given } else { kind.extension().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_says_what_a_file_is() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n..."[..], Some(Kind::Png)),
            (b"\xff\xd8\xff\xe0", Some(Kind::Jpeg)),
            (b"GIF89a....", Some(Kind::Gif)),
            (b"RIFF....WEBPVP8 ", Some(Kind::WebP)),
            (b"%PDF-1.7", Some(Kind::Pdf)),
            (b"PK\x03\x04", Some(Kind::Zip)),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", Some(Kind::Text)),
            ("\u{1b}[31mrot\u{1b}[0m\n".as_bytes(), Some(Kind::Text)),
            (b"", None),
            (b"MZ\x90\x00", None),
            (b"\x7fELF", None),
            (b"RIFF....WAVE", Some(Kind::Text)),
            (b"caf\xe9", None),
        ] {
            assert_eq!(Kind::of(bytes), kind, "{bytes:?}");
        }
        assert!(inspect(Bytes::from_static(b"\x89PNG\r\n\x1a\nnothing")).unwrap_err().message().contains("damaged"));
        assert!(inspect(Bytes::from_static(b"GIF89a\xff\xff\xff\xff")).unwrap_err().message().contains("too large"));
    }

    #[test]
    fn names_mean_nothing_in_markdown_and_addresses() {
        for (name, kind, expected) in [
            ("Screenshot 2026-11-27.PNG", Kind::Png, "Screenshot-2026-11-27.png"),
            ("../../x](javascript:alert(1)).png", Kind::Gif, "x--javascript-alert-1.gif"),
            ("C:\\ada\\run.log", Kind::Text, "run.log"),
            ("page.html", Kind::Text, "page.txt"),
            ("", Kind::Jpeg, "picture.jpg"),
            ("数据.csv", Kind::Text, "file.csv"),
        ] {
            assert_eq!(format!("{}.{}", stem_of(name, kind), extension_of(name, kind)), expected, "{name}");
        }
    }
}
