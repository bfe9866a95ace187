use std::time::{Duration, Instant};

use hub_types::RepoType;

use super::*;

fn render(text: &str) -> String {
    let context = LinkContext::new(RepoType::Model, &"ada/bert".parse().unwrap(), "main", "");
    render_markdown(text, &context).into_string()
}

#[track_caller]
fn contains(text: &str, expected: &str) {
    let html = render(text);
    assert!(html.contains(expected), "{expected:?} is not in {html}");
}

#[test]
fn github_markdown_is_rendered() {
    contains("| a | b |\n|---|:-:|\n| 1 | 2 |", "<td align=\"center\">2</td>");
    contains("- [x] done\n- [ ] open", "type=\"checkbox\"");
    contains("~~x~~", "<del>x</del>");
    contains("https://x.org", "href=\"https://x.org\"");
    contains("> [!NOTE]\n> Mind.", "markdown-alert-note");
    contains("x[^1]\n\n[^1]: note", "id=\"user-content-fn-1\"");
    contains("x[^1]\n\n[^1]: note", "href=\"#user-content-fn-1\"");
    contains("## Use it now", "id=\"user-content-use-it-now\"");
    contains("## Use it now", "href=\"#user-content-use-it-now\"");
    contains("<details open><summary>More</summary>\n\n**x**\n\n</details>", "<summary>More</summary>");
    contains("H<sub>2</sub>O <kbd>Ctrl</kbd>", "<sub>2</sub>");
    contains("<p align=\"center\"><img src=\"a.png\" width=\"50%\"></p>", "width=\"50%\"");
}

#[test]
fn links_lead_into_the_repo() {
    contains("![x](img/a.png)", "src=\"/ada/bert/resolve/main/img/a.png\"");
    contains("<img src='img/a.png'>", "src=\"/ada/bert/resolve/main/img/a.png\"");
    contains("[x](docs/a.md#top)", "href=\"/ada/bert/blob/main/docs/a.md#top\"");
    contains("[x](https://x.org)", "rel=\"nofollow noopener noreferrer\"");
    contains("<video src=\"clip.mp4\" autoplay></video>", "src=\"/ada/bert/resolve/main/clip.mp4\"");
    let film = "/uploads/0123456789abcdef0123456789abcdef/a.mp4";
    let context = LinkContext::new(RepoType::Model, &"ada/bert".parse().unwrap(), "main", "").of_comment();
    for (text, expected) in [
        (format!("https://hub.example.org{film}"), format!("<video src=\"{film}\"")),
        (format!("[see](https://hub.example.org{film})"), ">see</a>".to_owned()),
        (format!("<https://hub.example.org{film}> and https://hub.example.org{film}"), "</video> and <video".to_owned()),
        (format!("![x](https://old.example.org{film})"), format!("<img src=\"{film}\"")),
    ] {
        let html = render_markdown(&text, &context).into_string();
        assert!(html.contains(&expected), "{expected:?} is not in {html}");
        // In a card the address of another host stays what it is.
        assert!(!render(&text).contains(&format!("src=\"{film}\"")), "{text}");
    }
    assert!(!render("<video src=\"https://x.org/a.mp4\" autoplay onplay=x></video>").contains("x.org"));
    assert!(!render("<video src=\"a.mp4\" autoplay></video>").contains("autoplay"));
}

#[test]
fn images_from_elsewhere_become_links() {
    let figure = render("![Figure 1](https://x.org/a.png?b=1&c=2)");
    let link = "<a class=\"chip\" href=\"https://x.org/a.png?b=1&amp;c=2\" rel=\"nofollow noopener noreferrer\"><span>Figure 1, image at x.org</span></a>";
    assert!(figure.contains(link) && !figure.contains("<img"), "{figure}");
    contains("<img src='//X.org:80/a.png'>", "<span>image at X.org:80</span>");
    contains("![](https://ada:secret@x.org)", "<span>image at x.org</span>");
    // A badge leads where it led.
    let badge = render("[![License: MIT](https://img.shields.io/badge/mit.svg)](LICENSE) ![x](a.png)");
    assert!(
        badge.contains("<span class=\"chip\" title=\"image at img.shields.io\"><span>License: MIT</span></span></a>"),
        "{badge}"
    );
    assert!(badge.matches("<a ").count() == 1 && badge.contains("src=\"/ada/bert/resolve/main/a.png\""), "{badge}");
    for html in [
        "<picture><source srcset=https://x.org/d.png><img src=a.png></picture>",
        "<picture><source srcset=//x.org/d.png><img src=a.png></picture>",
        "<video poster=https://x.org/p.png src=clip.mp4></video>",
        "<img alt=x src='https:'>",
    ] {
        assert!(!render(html).contains("x.org"), "{html}");
    }
    let hostile =
        "<img src='https://x.org/\"><script>' alt='<b>\"><script>alert(1)</script>'><img src='HTTPS://x.org/' alt='a > b'>";
    let html = render(hostile);
    assert_harmless(hostile, &html);
    assert!(!html.contains("<img") && html.contains("a &gt; b, image at x.org"), "{html}");
    let many = render(&"![x](http://a)".repeat(MAX_MARKDOWN_BYTES / 14));
    assert!(many.len() < 4 * MAX_MARKDOWN_BYTES && !many.contains("<img"), "{}", many.len());
}

#[test]
fn images_that_a_card_names_by_the_address_of_the_hub_are_its_own() {
    let context = LinkContext::new(RepoType::Model, &"ada/bert".parse().unwrap(), "main", "").of_hub("https://hub.example");
    let render = |text: &str| render_markdown(text, &context).into_string();
    let own = render("![x](HTTPS://hub.example/ada/bert/resolve/main/a.png) [y](https://hub.example/ada)");
    assert!(own.contains("src=\"/ada/bert/resolve/main/a.png\"") && own.contains("href=\"https://hub.example/ada\""), "{own}");
    for foreign in ["https://hub.example.x.org/a.png", "https://hub.example//x.org/a.png", "https://hub.example@x.org/a.png"] {
        let html = render(&format!("![x]({foreign})"));
        assert!(!html.contains("<img") && html.contains("x.org</span>"), "{foreign}: {html}");
    }
}

#[test]
fn formulas_and_code_are_set() {
    contains("so $x^2$ is", "<msup>");
    contains("$$\\frac{a}{b}$$", "<mfrac>");
    contains("```math\nx_1\n```", "<msub>");
    contains("costs $\\nosuch{x}$ here", "<code>\\nosuch{x}</code>");
    contains("```python\ndef f(): pass\n```", "<span class=\"hl-function\">f</span>");
    contains("```\n<b>\n```", "&lt;b&gt;");
    contains("![a $x$ b](a.png)", "alt=");
    assert!(!render("![a $x$ b](a.png)").contains("<math"));
}

#[test]
fn attacks_come_out_harmless() {
    let vectors = include_str!("xss.txt").split("\n%%\n");
    let mut count = 0;
    for vector in vectors {
        assert_harmless(vector, &render(vector));
        assert_harmless(vector, &render(&format!("```html\n{vector}\n```\n")));
        count += 1;
    }
    assert!(count >= 60, "{count}");
}

/// Reads the result as a browser would: no element, attribute or address that acts.
#[track_caller]
fn assert_harmless(vector: &str, html: &str) {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap_or_else(|| panic!("open tag from {vector:?}: {html}"));
        let tag = &rest[..end];
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let forbidden = [
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "form",
            "button",
            "select",
            "textarea",
            "link",
            "meta",
            "base",
            "svg",
            "animate",
            "set",
            "template",
            "frame",
            "frameset",
            "applet",
            "noscript",
            "plaintext",
            "xmp",
            "maction",
            "mglyph",
            "title",
            "body",
            "html",
            "head",
            "marquee",
            "isindex",
            "portal",
            "foreignobject",
        ];
        assert!(!forbidden.contains(&name.to_ascii_lowercase().as_str()), "<{name}> from {vector:?}: {html}");
        for (attribute, value) in attributes(tag) {
            assert!(
                !attribute.starts_with("on")
                    && !["style", "srcdoc", "action", "formaction", "xlink:href", "target"].contains(&attribute.as_str()),
                "{attribute} from {vector:?}: {html}"
            );
            let value = value.to_ascii_lowercase();
            if ["href", "src", "srcset", "poster"].contains(&attribute.as_str()) {
                let harmless = value.starts_with("http://")
                    || value.starts_with("https://")
                    || value.starts_with("mailto:")
                    || value.starts_with(['/', '#', '\\']);
                assert!(harmless, "{attribute}={value} from {vector:?}: {html}");
            }
            if attribute == "id" || attribute == "name" {
                assert!(value.starts_with("user-content-"), "{attribute}={value} from {vector:?}");
            }
        }
        rest = &rest[end..];
    }
}

/// The sanitiser writes double quotes round every value and escapes them inside.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag;
    while let Some(at) = rest.find("=\"") {
        let name = rest[..at].rsplit(' ').next().unwrap_or_default().to_ascii_lowercase();
        let value = &rest[at + 2..];
        let end = value.find('"').unwrap_or(value.len());
        found.push((name, value[..end].to_owned()));
        rest = value.get(end + 1..).unwrap_or_default();
    }
    found
}

#[test]
fn classes_of_the_page_cannot_be_borrowed() {
    let html = render("<div class=\"repo-header hl-x\">a</div><span class=\"button\">b</span>");
    assert!(html.contains("class=\"hl-x\"") && !html.contains("repo-header") && !html.contains("button"), "{html}");
}

#[test]
fn a_text_field_becomes_a_dead_checkbox() {
    let html = render("<input type=\"password\" name=\"p\" value=\"x\">");
    assert!(
        html.contains("type=\"checkbox\"") && html.contains("disabled") && !html.contains("password") && !html.contains("value"),
        "{html}"
    );
}

#[test]
fn bombs_are_shown_as_source_or_quickly() {
    let many = 60_000;
    let bombs = [
        ("quotes", ">".repeat(many)),
        ("spaced quotes", "> ".repeat(many)),
        ("lists", "- ".repeat(many)),
        ("numbers", "1. ".repeat(many)),
        ("growing lists", (0..1_500).map(|n| format!("{}- a\n", " ".repeat(n * 2))).collect()),
        ("brackets", "[".repeat(many)),
        ("links", "[a](".repeat(many)),
        ("images", "![".repeat(many)),
        ("emphasis", "*a ".repeat(many)),
        ("mixed emphasis", "**a _b ".repeat(many / 2)),
        ("ticks", (1..1_000).map(|n| format!("{} ", "`".repeat(n))).collect()),
        ("dollars", "$".repeat(many)),
        ("formulas", "$x$ ".repeat(many / 4)),
        ("html", "<div>".repeat(many)),
        ("formatting", "<b>".repeat(many / 4) + &"<p>x".repeat(many / 4)),
        ("anchors", "<a href=x>".repeat(many / 8)),
        ("tables in tables", "<table><tr><td>".repeat(many / 8)),
        ("math", "<math><mrow>".repeat(many / 8)),
        ("declarations", "<![CDATA[".repeat(many / 4)),
        ("comments", "<!--".repeat(many)),
        ("entities", "&#x10ffff;".repeat(many)),
        ("footnotes", (0..5_000).map(|n| format!("[^{n}]\n\n[^{n}]: x\n\n")).collect()),
        ("footnote in footnote", "[^a]: [^a]\n\n[^a]".repeat(2_000)),
        ("references", (0..20_000).map(|n| format!("[{n}]: /x\n")).collect::<String>() + &"[0]".repeat(20_000)),
        ("wide table", "|".repeat(20_000) + "\n" + &"|-".repeat(20_000) + "\n" + &"|\n".repeat(2_000)),
        ("headings", "# a\n".repeat(many / 4)),
        ("autolinks", "www.".repeat(many)),
        ("mail", "a@a.".repeat(many)),
        ("attributes", format!("<div {}>", (0..many).map(|n| format!("a{n} ")).collect::<String>())),
        ("slashed attributes", format!("<div {}>", (0..many).map(|n| format!("a{n}/")).collect::<String>())),
        ("many attributes", format!("<div {}>\n\n", (0..150).map(|n| format!("a{n} ")).collect::<String>()).repeat(500)),
        ("footnotes of one", "[^a]: [^a]\n\n[^a]".repeat(60_000)),
        ("many headings", "# a\n".repeat(200_000)),
        ("huge", "x".repeat(MAX_MARKDOWN_BYTES + 1)),
    ];
    for (name, bomb) in bombs {
        let started = Instant::now();
        let html = render(&bomb);
        let elapsed = started.elapsed();
        assert!(elapsed < Duration::from_secs(10), "{name}: {elapsed:?}");
        assert!(html.len() < 8 * MAX_MARKDOWN_BYTES, "{name}: {} bytes", html.len());
        assert_harmless(name, &html);
    }
}
