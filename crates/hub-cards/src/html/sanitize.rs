//! The allow-list through which all HTML of cards passes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use ammonia::{Builder, UrlRelative};

use super::images::{is_foreign, replace_foreign};
use super::links::{LinkContext, LinkUse};

/// HTML without scripts, styles, forms and addresses that could harm. Nothing outside this crate can
/// make one; templates print it unescaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SafeHtml(String);

impl SafeHtml {
    /// Wraps what the sanitiser or the highlighter wrote.
    pub(crate) fn trust(html: String) -> Self {
        Self(html)
    }

    /// The HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTML, given away.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for SafeHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Keeps ids of cards apart from those of the page, so that they cannot stand in for its elements
/// or for properties of `document`.
const ID_PREFIX: &str = "user-content-";

pub(super) fn prefixed_id(id: &str) -> String {
    if id.starts_with(ID_PREFIX) { id.to_owned() } else { format!("{ID_PREFIX}{id}") }
}

/// Cleans HTML and rewrites its addresses.
pub(super) fn sanitize(html: &str, context: &LinkContext) -> SafeHtml {
    let context = context.clone();
    let mut builder = Builder::empty();
    builder
        .tags(HTML_TAGS.iter().chain(MATH_TAGS).copied().collect())
        .clean_content_tags(HashSet::from([
            "script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "template",
        ]))
        .generic_attributes(HashSet::from(["id", "class", "title", "lang", "dir", "align", "aria-label", "aria-hidden"]))
        .tag_attributes(tag_attributes())
        // Only what a task list needs: a box that cannot be ticked.
        .set_tag_attribute_value("input", "type", "checkbox")
        .set_tag_attribute_value("input", "disabled", "")
        .set_tag_attribute_value("img", "loading", "lazy")
        .set_tag_attribute_value("img", "referrerpolicy", "no-referrer")
        .set_tag_attribute_value("video", "controls", "")
        .set_tag_attribute_value("video", "preload", "none")
        .set_tag_attribute_value("audio", "controls", "")
        .set_tag_attribute_value("audio", "preload", "none")
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("nofollow noopener noreferrer"))
        .id_prefix(Some(ID_PREFIX))
        .attribute_filter(move |tag, attribute, value| filter_attribute(&context, tag, attribute, value));
    SafeHtml::trust(replace_foreign(builder.clean(html).to_string()))
}

fn filter_attribute<'v>(context: &LinkContext, tag: &str, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let own_image = || context.rewrite(value, LinkUse::Image).filter(|url| !is_foreign(url));
    let rewritten = match (tag, attribute) {
        ("a", "href") => context.rewrite(value, LinkUse::Page)?,
        ("a", "name") => prefixed_id(value),
        ("img", "src") => context.rewrite(value, LinkUse::Image)?,
        // A list of candidates is not taken apart: one address or none.
        ("source", "srcset") if !value.trim().contains([',', ' ']) => own_image()?,
        ("source", "srcset") => return None,
        ("video", "poster") => own_image()?,
        ("video" | "audio" | "source", "src") => context.rewrite(value, LinkUse::Media)?,
        (_, "href" | "src" | "srcset" | "poster" | "cite") => return None,
        (_, "width" | "height") if !MATH_TAGS.contains(&tag) => return is_length(value).then_some(Cow::Borrowed(value)),
        (_, "class") => allowed_classes(value)?,
        _ => return Some(Cow::Borrowed(value)),
    };
    Some(Cow::Owned(rewritten))
}

fn is_length(value: &str) -> bool {
    let number = value.trim().trim_end_matches("px").trim_end_matches('%');
    (1..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Classes that our own Markdown writes. Others could dress a card up as a part of the page.
fn allowed_classes(value: &str) -> Option<String> {
    const PREFIXES: &[&str] = &["hl-", "language-", "markdown-alert", "footnote", "menv-", "cell-", "math-"];
    const NAMES: &[&str] = &["anchor", "task-list-item", "contains-task-list"];
    let known = |class: &&str| NAMES.contains(class) || PREFIXES.iter().any(|prefix| class.starts_with(prefix));
    let classes: Vec<&str> = value.split_ascii_whitespace().filter(known).take(8).collect();
    (!classes.is_empty()).then(|| classes.join(" "))
}

const HTML_TAGS: &[&str] = &[
    "a",
    "abbr",
    "audio",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "input",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "picture",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "section",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];

/// MathML for presentation. Elements that act (`maction`), embed (`annotation-xml`) or that parsers
/// disagree on (`mglyph`, `malignmark`) are left out.
const MATH_TAGS: &[&str] = &[
    "math",
    "menclose",
    "merror",
    "mfrac",
    "mi",
    "mmultiscripts",
    "mn",
    "mo",
    "mover",
    "mpadded",
    "mphantom",
    "mprescripts",
    "mroot",
    "mrow",
    "ms",
    "mspace",
    "msqrt",
    "mstyle",
    "msub",
    "msubsup",
    "msup",
    "mtable",
    "mtd",
    "mtext",
    "mtr",
    "munder",
    "munderover",
    "none",
];

const MATH_ATTRIBUTES: &[&str] = &[
    "accent",
    "accentunder",
    "columnalign",
    "columnspan",
    "depth",
    "display",
    "displaystyle",
    "fence",
    "form",
    "height",
    "largeop",
    "linethickness",
    "lspace",
    "mathvariant",
    "maxsize",
    "minsize",
    "movablelimits",
    "notation",
    "rowspan",
    "rspace",
    "scriptlevel",
    "separator",
    "stretchy",
    "symmetric",
    "voffset",
    "width",
];

fn tag_attributes() -> HashMap<&'static str, HashSet<&'static str>> {
    let mut attributes: HashMap<_, HashSet<_>> = HashMap::from([
        ("a", HashSet::from(["href", "name"])),
        ("img", HashSet::from(["src", "alt", "width", "height"])),
        ("video", HashSet::from(["src", "poster", "width", "height", "loop", "muted"])),
        ("audio", HashSet::from(["src", "loop", "muted"])),
        ("source", HashSet::from(["src", "srcset", "type", "media"])),
        ("details", HashSet::from(["open"])),
        ("input", HashSet::from(["checked"])),
        ("ol", HashSet::from(["start", "reversed"])),
        ("td", HashSet::from(["colspan", "rowspan", "width", "height", "valign"])),
        ("th", HashSet::from(["colspan", "rowspan", "width", "height", "valign", "scope"])),
        ("table", HashSet::from(["width"])),
        ("col", HashSet::from(["span", "width"])),
        ("time", HashSet::from(["datetime"])),
    ]);
    for tag in MATH_TAGS {
        attributes.insert(tag, MATH_ATTRIBUTES.iter().copied().collect());
    }
    attributes
}
