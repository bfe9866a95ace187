//! Filters every template may use: icons, avatars, asset addresses, and numbers and times as people read them.

use std::borrow::Cow;
use std::fmt;

use askama::Values;
use askama::filters::{Escaper as _, Html, HtmlSafe};
use chrono::{DateTime, Utc};
use hub_cards::SafeHtml;

use super::assets::Assets;
use super::pictures::{self, Pictures};

/// Markup made here from fixed parts and escaped values.
#[derive(Debug, Clone)]
pub struct Markup(String);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // Writing to a string does not fail.
    let _ = Html.write_escaped_str(&mut escaped, text);
    escaped
}

/// HTML from the highlighter; no other type is printed unescaped.
#[askama::filter_fn]
pub fn safe_html(html: &SafeHtml, _: &dyn Values) -> askama::Result<Markup> {
    Ok(Markup(html.as_str().to_owned()))
}

/// A rendered card as part of a page. Its headings go down one level, because the page has a first heading of its
/// own; what may scroll sideways can be reached with the keyboard; the boxes of task lists have a
/// name, and pictures at least an empty text.
#[askama::filter_fn]
pub fn card_html(html: &SafeHtml, _: &dyn Values) -> askama::Result<Markup> {
    Ok(Markup(adapt_card(html.as_str())))
}

fn adapt_card(html: &str) -> String {
    let mut adapted = String::with_capacity(html.len() + html.len() / 16);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        adapted.push_str(before);
        let (written, length) = adapt_tag(tag);
        adapted.push_str(&written);
        rest = tag.get(length..).unwrap_or_default();
    }
    adapted.push_str(rest);
    adapted
}

/// The start of a tag as it should be, and the length of what it stands for.
fn adapt_tag(tag: &str) -> (Cow<'static, str>, usize) {
    for start in ["</h", "<h"] {
        let digit = tag.strip_prefix(start).and_then(|tail| tail.chars().next()).and_then(|digit| digit.to_digit(10));
        if let Some(level) = digit.filter(|level| (1..=6).contains(level)) {
            return (Cow::Owned(format!("{start}{}", (level + 1).min(6))), start.len() + 1);
        }
    }
    // Without an `alt`, readers of a page hear the file's address.
    if tag.starts_with("<img ") && !tag.split('>').next().unwrap_or_default().contains(" alt=") {
        return (Cow::Borrowed("<img alt=\"\""), "<img".len());
    }
    let ends_name = |name: &str| tag.strip_prefix(name).is_some_and(|tail| tail.starts_with([' ', '>']));
    for (name, written) in
        [("<pre", "<pre tabindex=\"0\""), ("<table", "<table tabindex=\"0\""), ("<input", "<input aria-label=\"Task\"")]
    {
        if ends_name(name) {
            return (Cow::Borrowed(written), name.len());
        }
    }
    (Cow::Borrowed("<"), 1)
}

/// A sentence of ours, in which names stand between backticks: they become code.
#[askama::filter_fn]
pub fn ticks(text: impl fmt::Display, _: &dyn Values) -> askama::Result<Markup> {
    Ok(Markup(ticks_to_code(&text.to_string())))
}

fn ticks_to_code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd tick out has no partner and stays.
    let paired = if parts.len() % 2 == 1 { parts.len() } else { parts.len() - 1 };
    let mut html = String::with_capacity(text.len() + 16);
    for (index, part) in parts.iter().enumerate() {
        match index % 2 {
            1 if index < paired => html.push_str(&format!("<code>{}</code>", escape(part))),
            1 => html.push_str(&format!("`{}", escape(part))),
            _ => html.push_str(&escape(part)),
        }
    }
    html
}

/// A decorative icon of the sprite.
#[askama::filter_fn]
pub fn icon(name: impl fmt::Display, _: &dyn Values) -> askama::Result<Markup> {
    Ok(icon_markup(&name.to_string(), "icon"))
}

/// An icon with other classes than `icon`.
#[askama::filter_fn]
pub fn icon_class(name: impl fmt::Display, _: &dyn Values, class: &str) -> askama::Result<Markup> {
    Ok(icon_markup(&name.to_string(), class))
}

fn icon_markup(name: &str, class: &str) -> Markup {
    let href = Assets::get().url("img/icons.svg");
    Markup(format!(r##"<svg class="{}" aria-hidden="true"><use href="{href}#{}"/></svg>"##, escape(class), escape(name)))
}

/// The address of a static file.
#[askama::filter_fn]
pub fn asset(path: &str, _: &dyn Values) -> askama::Result<String> {
    Ok(Assets::get().url(path))
}

/// The picture of a person or organisation, or else a coloured initial; decorative, the name stands next to it.
#[askama::filter_fn]
pub fn avatar(name: impl fmt::Display, values: &dyn Values, class: &str) -> askama::Result<Markup> {
    let name = name.to_string();
    let pictures = askama::get_value::<Pictures>(values, pictures::KEY).ok();
    if let Some(picture) = pictures.and_then(|pictures| pictures.path_of(&name)) {
        let (picture, class) = (escape(&picture), escape(class));
        return Ok(Markup(format!(
            r#"<img class="avatar {class}" src="{picture}" alt="" width="28" height="28" loading="lazy">"#
        )));
    }
    let hue = name.to_lowercase().bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 8;
    let initial: String = name.chars().find(|c| c.is_alphanumeric()).into_iter().collect();
    let class = escape(class);
    Ok(Markup(format!(r#"<span class="avatar avatar-hue-{hue} {class}" aria-hidden="true">{}</span>"#, escape(&initial))))
}

/// A count as people say it: `999`, `1.2k`, `22.7M`, `8.03B`.
#[askama::filter_fn]
pub fn count(number: impl fmt::Display, _: &dyn Values) -> askama::Result<String> {
    Ok(short_count(number.to_string().parse().unwrap_or(0)))
}

/// A count in at most four characters and a unit.
pub fn short_count(number: u64) -> String {
    scaled(number, 1000, &["", "k", "M", "B", "T", "Q"], "")
}

/// A whole number with its digits in groups: `1,234,567`.
#[askama::filter_fn]
pub fn grouped(number: &u64, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped_digits(*number))
}

/// The digits of a whole number in groups.
pub fn grouped_digits(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

/// A size as people say it: `512 B`, `90.9 MB`. Units of 1000, as disks and the clients count.
#[askama::filter_fn]
pub fn bytes(number: impl fmt::Display, _: &dyn Values) -> askama::Result<String> {
    Ok(size_text(number.to_string().parse().unwrap_or(0)))
}

/// A size in bytes with its unit.
pub fn size_text(number: u64) -> String {
    scaled(number, 1000, &["B", "kB", "MB", "GB", "TB", "PB"], " ")
}

/// Three digits of a number with the largest unit that fits. Works on integers, so nothing is lost to rounding twice.
fn scaled(number: u64, step: u64, units: &[&str], space: &str) -> String {
    let mut scale = 1_u64;
    let mut unit = 0;
    while unit + 1 < units.len() && number / scale >= step {
        scale = scale.saturating_mul(step);
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    let whole = number / scale;
    if unit == 0 {
        return format!("{whole}{space}{name}");
    }
    let hundredths = number % scale * 100 / scale;
    match whole {
        0..=9 if hundredths > 0 => format!("{whole}.{}{space}{name}", format!("{hundredths:02}").trim_end_matches('0')),
        10..=99 if hundredths >= 10 => format!("{whole}.{}{space}{name}", hundredths / 10),
        _ => format!("{whole}{space}{name}"),
    }
}

/// A moment as a distance from now, with the exact time behind it.
#[askama::filter_fn]
pub fn ago(at: &DateTime<Utc>, _: &dyn Values) -> askama::Result<Markup> {
    let exact = at.format("%Y-%m-%dT%H:%M:%SZ");
    let title = at.format("%-d %B %Y, %H:%M UTC");
    Ok(Markup(format!(r#"<time datetime="{exact}" title="{title}">{}</time>"#, distance(*at, crate::clock::now()))))
}

/// `just now`, `5 minutes ago`, …, and the date when that is clearer.
fn distance(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let secs = (now - at).num_seconds();
    let say = |number: i64, unit: &str| format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" });
    match secs {
        ..60 => "just now".to_owned(),
        60..3600 => say(secs / 60, "minute"),
        3600..86_400 => say(secs / 3600, "hour"),
        86_400..2_592_000 => say(secs / 86_400, "day"),
        _ => at.format("%-d %b %Y").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_sizes_read_well() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1k"), (1250, "1.25k"), (22_713_216, "22.7M"), (8_030_261_248, "8.03B")]
        {
            assert_eq!(short_count(number), text);
        }
        for (number, text) in
            [(0, "0 B"), (512, "512 B"), (90_868_376, "90.8 MB"), (1_000_000_000, "1 GB"), (u64::MAX, "18446 PB")]
        {
            assert_eq!(size_text(number), text);
        }
    }

    #[test]
    fn moments_read_as_distances() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        for (secs, text) in
            [(-5, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"), (86_400, "1 day ago"), (40 * 86_400, "5 Oct 2023")]
        {
            assert_eq!(distance(now - chrono::TimeDelta::seconds(secs), now), text);
        }
    }

    #[test]
    fn cards_fit_into_the_page() {
        for (card, page) in [
            ("<h1 id=\"a\">A</h1><hr><p>x</p>", "<h2 id=\"a\">A</h2><hr><p>x</p>"),
            ("<h2>B</h2><h6>C</h6><header>", "<h3>B</h3><h6>C</h6><header>"),
            ("<pre><code>a &lt; b</code></pre>", "<pre tabindex=\"0\"><code>a &lt; b</code></pre>"),
            ("<table class=\"x\"></table>", "<table tabindex=\"0\" class=\"x\"></table>"),
            ("<input type=\"checkbox\">", "<input aria-label=\"Task\" type=\"checkbox\">"),
            ("<img src=\"/x\">", "<img alt=\"\" src=\"/x\">"),
            ("<img src=\"/x\" alt=\"X\"><p>", "<img src=\"/x\" alt=\"X\"><p>"),
            ("é<", "é<"),
        ] {
            assert_eq!(adapt_card(card), page);
        }
    }

    #[test]
    fn names_between_ticks_become_code() {
        for (text, html) in [
            ("no `a<b` here", "no <code>a&#60;b</code> here"),
            ("`a` and `b`", "<code>a</code> and <code>b</code>"),
            ("odd ` one", "odd ` one"),
            ("`a` odd ` <", "<code>a</code> odd ` &#60;"),
        ] {
            assert_eq!(ticks_to_code(text), html);
        }
    }

    #[test]
    fn icons_escape_what_they_are_given() {
        assert!(!icon_markup("\"><script>", "x").to_string().contains("<script"));
    }
}
