//! What files in comments are, told by how they begin.

use std::io::Cursor;

use hub_storage::StorageKey;
use image::ImageReader;

use crate::error::{HubError, HubResult};

/// How many of its first bytes tell what a file is.
pub(super) const HEAD_BYTES: usize = 64;
/// The largest width and height of a picture, in pixels: a few kilobytes can ask browsers for gigabytes.
pub(super) const MAX_SIDE: u32 = 12_000;
/// The longest name without its extension.
const LONGEST_STEM: usize = 80;
/// What texts are called. None of these opens in a browser as a page.
const TEXT_EXTENSIONS: [&str; 12] = ["txt", "log", "md", "csv", "tsv", "json", "jsonl", "yaml", "yml", "toml", "py", "diff"];
/// The brands of pictures in the container of MP4: browsers do not agree on them, and what they say of places stays in.
const PICTURE_BRANDS: [&[u8]; 10] = [b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Png,
    Jpeg,
    Gif,
    WebP,
    Mp4,
    QuickTime,
    WebM,
    Mp3,
    Wav,
    Pdf,
    Zip,
    Text,
}

impl Kind {
    /// By its first [`HEAD_BYTES`] at least. What is text is told by all of it.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Self::Wav),
            [_, _, _, _, b'f', b't', b'y', b'p', b'q', b't', b' ', b' ', ..] => Some(Self::QuickTime),
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => {
                (brand.len() >= 4 && !PICTURE_BRANDS.iter().any(|known| brand.starts_with(known))).then_some(Self::Mp4)
            }
            // Without the word for its kind it is a container that browsers do not play.
            [0x1a, 0x45, 0xdf, 0xa3, head @ ..] => {
                head.get(..HEAD_BYTES).unwrap_or(head).windows(4).any(|word| word == b"webm").then_some(Self::WebM)
            }
            [b'I', b'D', b'3', 2..=4, ..] => Some(Self::Mp3),
            // The first frame of layer III, in any version.
            [0xff, second, ..] if second & 0xe6 == 0xe2 => Some(Self::Mp3),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            [] => None,
            _ => is_text(bytes).then_some(Self::Text),
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::QuickTime => "video/quicktime",
            Self::WebM => "video/webm",
            Self::Mp3 => "audio/mpeg",
            Self::Wav => "audio/wav",
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
            Self::Mp4 => "mp4",
            Self::QuickTime => "mov",
            Self::WebM => "webm",
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
            Self::Pdf => "pdf",
            Self::Zip => "zip",
            Self::Text => "txt",
        }
    }

    pub(super) const fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Gif | Self::WebP)
    }

    /// Whether it is a film. Films may be larger than other files, and are never whole in memory.
    pub(super) const fn is_film(self) -> bool {
        matches!(self, Self::Mp4 | Self::QuickTime | Self::WebM)
    }

    const fn is_sound(self) -> bool {
        matches!(self, Self::Mp3 | Self::Wav)
    }
}

/// Whether something is text: UTF-8 without control characters, but for those of terminals.
fn is_text(bytes: &[u8]) -> bool {
    let may_stand = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{8}' | '\u{1b}');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(may_stand))
}

/// 400 for what is none of the kinds.
pub(super) fn unknown() -> HubError {
    let text = "Comments take pictures (PNG, JPEG, GIF, WebP), films (MP4, MOV, WebM), sound (MP3, WAV), PDF, ZIP and text. Put \
                other files into a ZIP archive.";
    HubError::bad_request(text).at("comment")
}

/// 400 for a picture that cannot be read.
pub(super) fn damaged() -> HubError {
    HubError::bad_request("This picture is damaged: save it anew, and add it again.").at("comment")
}

/// Refuses pictures that are damaged, or wider or higher than any is.
///
/// # Errors
/// 400 for those.
pub(super) fn check_sides(kind: Kind, bytes: &[u8]) -> HubResult<()> {
    let (width, height) = sides(kind, bytes).ok_or_else(damaged)?;
    if width > MAX_SIDE || height > MAX_SIDE {
        let text = format!("This picture is too large: make it at most {MAX_SIDE} pixels wide and high.");
        return Err(HubError::bad_request(text).at("comment"));
    }
    Ok(())
}

/// How wide and high a picture says that it is.
fn sides(kind: Kind, bytes: &[u8]) -> Option<(u32, u32)> {
    if kind == Kind::Gif {
        let side = |at: usize| Some(u32::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
        return Some((side(6)?, side(8)?));
    }
    ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.into_dimensions().ok()
}

/// What a file is called, and what its name is without the extension: in characters that mean nothing in Markdown and in addresses.
pub(super) fn name_of(given: &str, kind: Kind) -> (String, String) {
    let stem = stem_of(given, kind);
    let name = format!("{stem}.{}", extension_of(given, kind));
    (name, stem)
}

fn stem_of(name: &str, kind: Kind) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let stem: String = stem.chars().map(plain).take(LONGEST_STEM).collect();
    match stem.trim_matches('-') {
        "" if kind.is_picture() => "picture".to_owned(),
        "" if kind.is_film() => "video".to_owned(),
        "" if kind.is_sound() => "audio".to_owned(),
        "" => "file".to_owned(),
        stem => stem.to_owned(),
    }
}

fn extension_of(name: &str, kind: Kind) -> String {
    let given = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    if kind == Kind::Text && TEXT_EXTENSIONS.contains(&given.as_str()) { given } else { kind.extension().to_owned() }
}

/// How a comment shows a file: as the Hub's editor and `huggingface_hub` write it.
pub(super) fn markdown(kind: Kind, url: &str, name: &str, stem: &str) -> String {
    if kind.is_picture() {
        format!("![{stem}]({url})")
    } else if kind.is_film() {
        format!("<video controls src=\"{url}\"></video>")
    } else if kind.is_sound() {
        format!("<audio controls src=\"{url}\"></audio>")
    } else {
        format!("[{name}]({url})")
    }
}

/// The ids of attachments that a text leads to, each once.
pub(super) fn ids_in(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for (at, mark) in text.match_indices("/uploads/") {
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        let id = rest.get(..32).unwrap_or_default();
        if StorageKey::attachment(id).parse_attachment().is_some() && !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    ids
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
            (b"RIFF....WAVEfmt ", Some(Kind::Wav)),
            (b"\0\0\0\x20ftypisom\0\0\x02\0", Some(Kind::Mp4)),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", Some(Kind::QuickTime)),
            (b"\0\0\0\x1cftypavif\0\0\0\0", None),
            (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webmB\x87", Some(Kind::WebM)),
            (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", None),
            (b"ID3\x04\0\0", Some(Kind::Mp3)),
            (b"ID3 tags", Some(Kind::Text)),
            (b"\xff\xfb\x90\x64", Some(Kind::Mp3)),
            (b"\xff\xf1\x50\x80", None),
            (b"%PDF-1.7", Some(Kind::Pdf)),
            (b"PK\x03\x04", Some(Kind::Zip)),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", Some(Kind::Text)),
            ("\u{1b}[31mrot\u{1b}[0m\n".as_bytes(), Some(Kind::Text)),
            (b"", None),
            (b"MZ\x90\x00", None),
            (b"\x7fELF", None),
            (b"caf\xe9", None),
        ] {
            assert_eq!(Kind::of(bytes), kind, "{bytes:?}");
        }
        let sides_of = |kind, bytes: &[u8]| check_sides(kind, bytes).unwrap_err().message().to_owned();
        assert!(sides_of(Kind::Png, b"\x89PNG\r\n\x1a\nnothing").contains("damaged"));
        assert!(sides_of(Kind::Gif, b"GIF89a\xff\xff\xff\xff").contains("too large"));
    }

    #[test]
    fn names_mean_nothing_in_markdown_and_addresses() {
        for (name, kind, expected) in [
            ("Screenshot 2026-11-27.PNG", Kind::Png, "Screenshot-2026-11-27.png"),
            ("../../x](javascript:alert(1)).png", Kind::Gif, "x--javascript-alert-1.gif"),
            ("C:\\ada\\run.log", Kind::Text, "run.log"),
            ("page.html", Kind::Text, "page.txt"),
            ("", Kind::Jpeg, "picture.jpg"),
            ("", Kind::WebM, "video.webm"),
            ("", Kind::Mp3, "audio.mp3"),
            ("数据.csv", Kind::Text, "file.csv"),
        ] {
            assert_eq!(name_of(name, kind).0, expected, "{name}");
        }
    }

    #[test]
    fn a_text_names_each_file_once() {
        let (one, two) = ("0123456789abcdef0123456789abcdef", "f".repeat(32));
        let text =
            format!("![a](/uploads/{one}/a.png) https://hub.example.org/uploads/{two}/b.mp4 /uploads/{one}/a.png /uploads/é");
        assert_eq!(ids_in(&text), [one.to_owned(), two]);
        assert!(ids_in("/uploads/ /uploads/0123456789ABCDEF0123456789ABCDEF/x /uploads/0123").is_empty());
    }
}
