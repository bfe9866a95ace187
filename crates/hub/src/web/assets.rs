//! Style sheets, scripts, icons and fonts: part of the program, served under a URL that changes with their content.
//!
//! All files share one version in the path (`/static/{version}/js/app.js`), so that modules and style sheets refer
//! to each other relatively, and browsers keep everything for good.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, OnceLock};

use brotli::enc::BrotliEncoderParams;

use sha2::{Digest as _, Sha256};

/// One file as it is served.
#[derive(Debug)]
pub struct Asset {
    /// The path below the version.
    pub path: &'static str,
    /// The media type.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The bytes in gzip, for what shrinks.
    pub gzip: Option<Vec<u8>>,
    /// The same in brotli, once somebody has asked for it.
    brotli: OnceLock<Vec<u8>>,
    is_asked_for: AtomicBool,
}

/// How hard brotli tries. The best takes seconds for all files, and minutes in a program that is not optimised.
const BROTLI_QUALITY: i32 = if cfg!(debug_assertions) { 5 } else { 11 };

macro_rules! file {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../../../static/", $path)).as_slice())
    };
}

/// The parts of `css/app.css`, in the order of the cascade.
const STYLE_SHEETS: &[&str] = &[
    include_str!("../../../../static/css/tokens.css"),
    include_str!("../../../../static/css/base.css"),
    include_str!("../../../../static/css/components/site.css"),
    include_str!("../../../../static/css/components/controls.css"),
    include_str!("../../../../static/css/components/display.css"),
    include_str!("../../../../static/css/components/prose.css"),
    include_str!("../../../../static/css/components/code.css"),
    include_str!("../../../../static/css/components/suggestions.css"),
    include_str!("../../../../static/css/pages/site.css"),
    include_str!("../../../../static/css/pages/accounts.css"),
    include_str!("../../../../static/css/pages/repos.css"),
    include_str!("../../../../static/css/pages/discover.css"),
    include_str!("../../../../static/css/pages/engagement.css"),
    include_str!("../../../../static/css/pages/usage.css"),
    include_str!("../../../../static/css/pages/repo_side.css"),
    include_str!("../../../../static/css/pages/previews.css"),
    include_str!("../../../../static/css/pages/finding.css"),
    include_str!("../../../../static/css/pages/card_editor.css"),
    include_str!("../../../../static/css/pages/files.css"),
];

const FILES: &[(&str, &[u8])] = &[
    file!("css/pages/design.css"),
    file!("css/pages/remarks.css"),
    file!("css/pages/tasks.css"),
    file!("fonts/geist.woff2"),
    file!("fonts/geist-mono.woff2"),
    file!("fonts/LICENSE-OFL.txt"),
    file!("img/icons.svg"),
    file!("img/logo.svg"),
    file!("img/LICENSE-lucide.txt"),
    file!("js/app.js"),
    file!("js/attach.js"),
    file!("js/card-editor.js"),
    file!("js/confirm-dialog.js"),
    file!("js/conflict-editor.js"),
    file!("js/copy-button.js"),
    file!("js/like.js"),
    file!("js/find-file.js"),
    file!("js/line-links.js"),
    file!("js/live-list.js"),
    file!("js/menu.js"),
    file!("js/quick-search.js"),
    file!("js/menu-filter.js"),
    file!("js/range-slider.js"),
    file!("js/remarks.js"),
    file!("js/passkeys.js"),
    file!("js/theme-toggle.js"),
    file!("js/diff-files.js"),
    file!("js/file-editor.js"),
    file!("js/toast.js"),
    file!("js/upload.js"),
    file!("js/upload/commit.js"),
    file!("js/upload/gather.js"),
    file!("js/upload/hash-worker.js"),
    file!("js/upload/large.js"),
    file!("js/upload/objects.js"),
    file!("js/upload/rows.js"),
    file!("js/upload/send.js"),
    file!("js/use-dialog.js"),
    file!("vendor/codemirror.js"),
    file!("vendor/LICENSE-codemirror.txt"),
    file!("vendor/sha256.js"),
    file!("vendor/LICENSE-sha256.txt"),
];

/// Every asset, and the version they share.
#[derive(Debug)]
pub struct Assets {
    version: String,
    files: Vec<Asset>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(Assets::load);

impl Assets {
    /// The assets of this build.
    pub fn get() -> &'static Self {
        &ASSETS
    }

    fn load() -> Self {
        let style = STYLE_SHEETS.concat().into_bytes();
        let files = FILES.iter().map(|(path, bytes)| (*path, bytes.to_vec()));
        let files: Vec<Asset> =
            std::iter::once(("css/app.css", style)).chain(files).map(|(path, bytes)| Asset::new(path, bytes)).collect();
        let mut hash = Sha256::new();
        for file in &files {
            hash.update(file.path.as_bytes());
            hash.update(&file.bytes);
        }
        let version = hex::encode(hash.finalize()).chars().take(12).collect();
        Self { version, files }
    }

    /// The hash of everything.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Finds a file by its path below the version.
    pub fn find(&self, path: &str) -> Option<&Asset> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The address of a file, as pages refer to it.
    pub fn url(&self, path: &str) -> String {
        format!("/static/{}/{path}", self.version)
    }
}

impl Asset {
    fn new(path: &'static str, bytes: Vec<u8>) -> Self {
        let content_type = match path.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("woff2") => "font/woff2",
            _ => "text/plain; charset=utf-8",
        };
        let gzip = if content_type == "font/woff2" { None } else { compress(&bytes) };
        Self { path, content_type, bytes, gzip, brotli: OnceLock::new(), is_asked_for: AtomicBool::new(false) }
    }

    /// The bytes in brotli, for what shrinks. The first call has them made, off the async threads, and gets nothing: who asks does not
    /// wait for what takes longer than sending the file.
    pub fn brotli(&'static self) -> Option<&'static [u8]> {
        if self.brotli.get().is_none() && self.gzip.is_some() && !self.is_asked_for.swap(true, Ordering::Relaxed) {
            drop(tokio::task::spawn_blocking(move || self.brotli.get_or_init(|| compress_well(&self.bytes))));
        }
        self.brotli.get().map(Vec::as_slice).filter(|shrunk| !shrunk.is_empty())
    }
}

/// The bytes in brotli; nothing if that fails, which memory does not.
fn compress_well(bytes: &[u8]) -> Vec<u8> {
    let params = BrotliEncoderParams { quality: BROTLI_QUALITY, size_hint: bytes.len(), ..BrotliEncoderParams::default() };
    let mut shrunk = Vec::with_capacity(bytes.len() / 3);
    match brotli::BrotliCompress(&mut &*bytes, &mut shrunk, &params) {
        Ok(_) => shrunk,
        Err(_) => Vec::new(),
    }
}

fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// What only some pages need: style sheets and modules, which those name in their `head` block, or which a script loads.
    const FOR_SOME_PAGES: &[&str] = &[
        "css/pages/design.css",
        "css/pages/remarks.css",
        "css/pages/tasks.css",
        "vendor/codemirror.js",
        "vendor/sha256.js",
        "js/attach.js",
        "js/conflict-editor.js",
        "js/file-editor.js",
        "js/passkeys.js",
        "js/remarks.js",
        "js/upload.js",
    ];
    /// Where there is more of it.
    const FOLDER_FOR_SOME_PAGES: &str = "js/upload/";
    /// What `vendor/` is built from; it is not served.
    const SOURCES: &str = "vendor/source/";

    fn files_below(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(SOURCES) {
                continue;
            }
            if path.is_dir() {
                files_below(&path, root, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_static_file_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static");
        let mut on_disk = BTreeSet::new();
        files_below(&root, &root, &mut on_disk);
        let apart = |path: &String| !path.ends_with(".css") || FOR_SOME_PAGES.contains(&path.as_str());
        let others: BTreeSet<String> = on_disk.iter().filter(|path| apart(path)).cloned().collect();
        assert_eq!(on_disk.len() - others.len(), STYLE_SHEETS.len());
        let served: BTreeSet<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(served, others);
    }

    #[test]
    fn the_assets_of_a_page_stay_small() {
        let assets = Assets::get();
        let weight: usize = assets
            .files
            .iter()
            .filter(|file| !file.path.ends_with(".txt") && !FOR_SOME_PAGES.contains(&file.path))
            .filter(|file| !file.path.starts_with(FOLDER_FOR_SOME_PAGES))
            .map(|file| if file.gzip.is_some() { compress_well(&file.bytes).len() } else { file.bytes.len() })
            .sum();
        assert!(weight < 90_000, "{weight} bytes");
    }

    #[test]
    fn brotli_holds_the_same_bytes() {
        let file = Assets::get().find("css/app.css").unwrap();
        let shrunk = compress_well(&file.bytes);
        let mut bytes = Vec::new();
        brotli::BrotliDecompress(&mut shrunk.as_slice(), &mut bytes).unwrap();
        assert!(bytes == file.bytes && shrunk.len() < file.gzip.as_ref().unwrap().len());
    }

    #[test]
    fn every_icon_that_templates_name_is_in_the_sprite() {
        let sprite = String::from_utf8(Assets::get().find("img/icons.svg").unwrap().bytes.clone()).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates");
        let mut templates = BTreeSet::new();
        files_below(&root, &root, &mut templates);
        for template in templates {
            let text = std::fs::read_to_string(root.join(&template)).unwrap();
            for (before, _) in text.match_indices("\"|icon") {
                let name = text[..before].rsplit('"').next().unwrap();
                assert!(sprite.contains(&format!("id=\"{name}\"")), "{template}: {name}");
            }
        }
    }
}
