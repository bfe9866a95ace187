//! Content types of files that people uploaded. They are served from the hub's own origin, so nothing may be answered
//! with a type that a browser runs: pages and scripts come as plain text. SVG keeps its type, so that cards can show it:
//! in a picture no browser runs what is in it, and opened by itself [`SANDBOX`] stops it.

/// What browsers may do with an uploaded file that they show: nothing.
pub const SANDBOX: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; sandbox";

/// The same for a PDF. Browsers do not open their viewer where a page is a sandbox; the viewer is a program of its own, which
/// gives what is in a PDF neither the hub's pages nor its cookies. No page may frame it.
pub const PDF_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'";

/// The policy for an uploaded file, by its name.
pub fn policy_of(file_name: &str) -> &'static str {
    if of(file_name, true) == PDF { PDF_POLICY } else { SANDBOX }
}

const PDF: &str = "application/pdf";
const TEXT: &str = "text/plain; charset=utf-8";
const BINARY: &str = "application/octet-stream";

/// The type of a file by its name. `is_large` files are never taken for text.
pub fn of(file_name: &str, is_large: bool) -> &'static str {
    let guess = mime_guess::from_path(file_name).first_raw();
    match guess {
        // Compressed: no browser draws it without being told so.
        Some("image/svg+xml") if !file_name.to_ascii_lowercase().ends_with(".svg") => BINARY,
        // All a browser draws or plays by itself.
        Some(
            safe @ ("image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" | "image/svg+xml" | "image/bmp"
            | "image/x-icon" | "audio/mpeg" | "audio/wav" | "audio/ogg" | "audio/flac" | "audio/aac" | "audio/m4a"
            | "video/mp4" | "video/webm" | "video/ogg" | PDF),
        ) => safe,
        _ if is_large => BINARY,
        Some(text) if is_text(text) => TEXT,
        Some(_) => BINARY,
        None if is_text_name(file_name) => TEXT,
        None => BINARY,
    }
}

fn is_text(mime: &str) -> bool {
    const MORE: &[&str] =
        &["json", "xml", "yaml", "toml", "javascript", "ecmascript", "x-sh", "sql", "x-tex", "x-httpd-php", "typescript"];
    mime.starts_with("text/") || MORE.iter().any(|word| mime.ends_with(word))
}

/// Names without a type that hold text: `LICENSE`, `.gitattributes`, and what models and datasets bring along.
fn is_text_name(file_name: &str) -> bool {
    const EXTENSIONS: &[&str] =
        &["jsonl", "ndjson", "model_card", "jinja", "cfg", "lock", "ipynb", "rs", "jl", "proto", "cu", "bib"];
    match file_name.trim_start_matches('.').rsplit_once('.') {
        Some((_, extension)) => EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_browsers_run_keeps_its_type() {
        for name in
            ["a.html", "a.htm", "a.xhtml", "a.js", "a.mjs", "a.xml", "a.css", "a.HTML", "a.svgz", "a.swf", "a.mht", "a.wasm"]
        {
            let found = of(name, false);
            assert!(found == TEXT || found == BINARY, "{name}: {found}");
            assert_eq!(of(name, true), BINARY, "{name}");
        }
    }

    #[test]
    fn only_a_pdf_is_no_sandbox() {
        for name in ["a.pdf.html", "a.svg", "pdf", "a.png", "a.html", "README.md", "a.PDFX"] {
            assert_eq!(policy_of(name), SANDBOX, "{name}");
        }
        assert_eq!((policy_of("a.pdf"), policy_of("b.PDF")), (PDF_POLICY, PDF_POLICY));
    }

    #[test]
    fn text_reads_as_text_and_pictures_show() {
        for name in
            ["README.md", "config.json", "a.py", "LICENSE", ".gitattributes", "a.jsonl", "x.yaml", "x.toml", "x.csv", "a.txt"]
        {
            assert_eq!(of(name, false), TEXT, "{name}");
        }
        assert_eq!(of("a.PNG", true), "image/png");
        assert_eq!(of("a.jpg", false), "image/jpeg");
        assert_eq!(of("a.svg", false), "image/svg+xml");
        for name in ["model.safetensors", "a.bin", "a.parquet", "x.tar.gz", "a.pt"] {
            assert_eq!(of(name, false), BINARY, "{name}");
        }
    }
}
