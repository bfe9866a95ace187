//! Pictures, sounds and films: by the names of files, and by their first bytes, so that no page shows a broken one.

use super::blob::FileView;

/// How many bytes tell what a file is.
pub(super) const HEAD_BYTES: u64 = 512;

/// A sort of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// A film.
    Video,
}

impl Media {
    /// What a file of this name should be, if browsers show it.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "svg" | "bmp" | "ico" => Some(Self::Image),
            "wav" | "mp3" | "flac" | "ogg" | "m4a" | "opus" => Some(Self::Audio),
            "mp4" | "webm" | "mov" | "ogv" => Some(Self::Video),
            _ => None,
        }
    }

    /// Whether a file that begins so can be what its name says. The ending decides nothing: browsers do not go by it either.
    pub(super) fn begins_so(self, head: &[u8]) -> bool {
        let at = |offset: usize, mark: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(mark));
        let in_boxes = at(4, b"ftyp");
        match self {
            Self::Image => {
                let marks: [&[u8]; 6] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"\0\0\x01\0", b"\0\0\x02\0"];
                marks.iter().any(|mark| at(0, mark)) || (at(0, b"RIFF") && at(8, b"WEBP")) || in_boxes || is_svg(head)
            }
            Self::Audio => {
                let is_mp3 = at(0, b"ID3") || (at(0, b"\xff") && head.get(1).is_some_and(|byte| byte & 0xe0 == 0xe0));
                is_mp3 || (at(0, b"RIFF") && at(8, b"WAVE")) || at(0, b"fLaC") || at(0, b"OggS") || in_boxes
            }
            Self::Video => in_boxes || at(0, b"\x1a\x45\xdf\xa3") || at(0, b"OggS") || at(4, b"moov") || at(4, b"wide"),
        }
    }

    /// How it is shown.
    pub(super) fn view(self, src: String) -> FileView {
        match self {
            Self::Image => FileView::Image(src),
            Self::Audio => FileView::Audio(src),
            Self::Video => FileView::Video(src),
        }
    }

    /// What to say of a file that is not what its name says.
    pub(super) fn broken(self) -> &'static str {
        match self {
            Self::Image => "This file has the name of a picture, and is none that browsers show.",
            Self::Audio => "This file has the name of a sound, and is none that browsers play.",
            Self::Video => "This file has the name of a film, and is none that browsers play.",
        }
    }
}

fn is_svg(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with("<svg") || text.starts_with("<?xml") || text.starts_with("<!--") || text.starts_with("<!DOCTYPE svg")
}

/// The icon of a file in a list.
pub(super) fn icon_of(name: &str) -> &'static str {
    match Media::of(name) {
        Some(Media::Image) => return "image",
        Some(Media::Audio) => return "music",
        Some(Media::Video) => return "film",
        None => {}
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "md" | "txt" | "rst" | "pdf" | "mdx" => "file-text",
        "csv" | "tsv" | "parquet" | "jsonl" | "ndjson" | "arrow" | "xlsx" => "table",
        "py" | "rs" | "js" | "ts" | "ipynb" | "sh" | "c" | "cpp" | "h" | "html" | "css" | "json" | "yaml" | "yml" | "toml" => {
            "code"
        }
        "safetensors" | "gguf" | "bin" | "pt" | "pth" | "onnx" | "h5" | "msgpack" | "ckpt" | "pkl" | "npy" | "npz" => "binary",
        "zip" | "tar" | "gz" | "zst" | "xz" | "bz2" | "7z" => "package-open",
        _ => "file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_media_from_what_only_has_the_name() {
        for (name, head) in [
            ("a.PNG", &b"\x89PNG\r\n\x1a\n...."[..]),
            ("a.jpg", b"\xff\xd8\xff\xe0"),
            ("a.webp", b"RIFF\x10\0\0\0WEBPVP8 "),
            ("a.avif", b"\0\0\0\x20ftypavif"),
            ("a.svg", b"\xef\xbb\xbf <svg xmlns='x'>"),
            ("a.wav", b"RIFF\x10\0\0\0WAVEfmt "),
            ("a.mp3", b"\xff\xfb\x90\0"),
            ("a.mp4", b"\0\0\0\x20ftypisom"),
            ("a.webm", b"\x1a\x45\xdf\xa3"),
        ] {
            assert!(Media::of(name).unwrap().begins_so(head), "{name}");
            for broken in [&b""[..], b"x", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", b"<html>"] {
                assert!(!Media::of(name).unwrap().begins_so(broken), "{name} {broken:?}");
            }
        }
        assert_eq!(Media::of("png"), None);
    }

    #[test]
    fn every_icon_is_there() {
        let sprite = include_str!("../../../../../static/img/icons.svg");
        for name in ["a.png", "a.wav", "a.mp4", "a.md", "a.csv", "a.py", "a.gguf", "a.zip", "a"] {
            assert!(sprite.contains(&format!("id=\"{}\"", icon_of(name))), "{name}");
        }
    }
}
