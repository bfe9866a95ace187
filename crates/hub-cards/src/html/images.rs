//! Images from elsewhere. The policy of the pages lets no browser load them, for that would tell another server who reads what, and
//! when. In their place stands what they are called, as a link to them where none is around them already.

/// Of so many the address is kept; further ones leave their text alone.
const MAX_LINKED: usize = 2_000;
/// How much of a host's name is shown.
const MAX_HOST_CHARS: usize = 60;

/// Whether an address of an image, as [`LinkContext::rewrite`](super::links::LinkContext::rewrite) leaves it, is of another host.
pub(super) fn is_foreign(url: &str) -> bool {
    let starts = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    starts("http:") || starts("https:")
}

/// Replaces foreign images in what the sanitiser wrote: all tags are closed, all values in double quotes.
pub(super) fn replace_foreign(html: String) -> String {
    if !html.contains("<img") {
        return html;
    }
    let mut replaced = String::with_capacity(html.len());
    let (mut rest, mut in_link, mut linked) = (html.as_str(), false, 0);
    while let Some(at) = rest.find('<') {
        replaced.push_str(&rest[..at]);
        let (tag, after) = rest[at..].split_at(end_of_tag(&rest[at..]));
        match tag {
            "</a>" => in_link = false,
            _ if tag.starts_with("<a ") || tag == "<a>" => in_link = true,
            _ => {}
        }
        match foreign_image(tag) {
            Some(image) => {
                linked += 1;
                image.write(&mut replaced, in_link, linked <= MAX_LINKED);
            }
            None => replaced.push_str(tag),
        }
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

/// Where the tag at the beginning of a text ends.
fn end_of_tag(text: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// An image, with its values as they are written in its tag.
struct Image<'h> {
    src: &'h str,
    alt: &'h str,
}

fn foreign_image(tag: &str) -> Option<Image<'_>> {
    let mut rest = tag.strip_prefix("<img ")?;
    let mut image = Image { src: "", alt: "" };
    while let Some((name, value)) = rest.split_once("=\"") {
        let (value, after) = value.split_once('"')?;
        match name.trim() {
            "src" => image.src = value,
            "alt" => image.alt = value.trim(),
            _ => {}
        }
        rest = after;
    }
    is_foreign(image.src).then_some(image)
}

impl Image<'_> {
    fn write(&self, html: &mut String, in_link: bool, keeps_address: bool) {
        let (src, alt, host) = (as_text(self.src), as_text(self.alt), as_text(self.host()));
        if !keeps_address || host.is_empty() {
            return html.push_str(&alt);
        }
        let place = format!("image at {host}");
        let shown = match (in_link, alt.is_empty()) {
            (true, false) => format!("<span class=\"chip\" title=\"{place}\"><span>{alt}</span></span>"),
            (true, true) => format!("<span class=\"chip\"><span>{place}</span></span>"),
            (false, _) => {
                let words = if alt.is_empty() { place } else { format!("{alt}, {place}") };
                format!("<a class=\"chip\" href=\"{src}\" rel=\"nofollow noopener noreferrer\"><span>{words}</span></a>")
            }
        };
        html.push_str(&shown);
    }

    fn host(&self) -> &str {
        let (_, address) = self.src.split_once(':').unwrap_or_default();
        let address = address.trim_start_matches(['/', '\\']);
        let host = address.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        host.char_indices().nth(MAX_HOST_CHARS).map_or(host, |(end, _)| &host[..end])
    }
}

/// A value of an attribute, as text: in values, the sanitiser may leave brackets as they are.
fn as_text(value: &str) -> String {
    value.replace('<', "&lt;").replace('>', "&gt;")
}
