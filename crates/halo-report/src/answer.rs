//! The model's own Markdown, taken apart and put together again so that only harmless mark-up is left.
//!
//! Raw HTML becomes text, images become their description, and a link stays only when it leads to the web or
//! into the page. Headings go two levels down, below the headings of the report.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream, html};

use crate::{answer_markdown::Writer, text};

/// Levels by which headings of an answer go down.
const HEADING_SHIFT: usize = 2;

/// The answer as HTML.
pub(crate) fn to_html(answer: &str) -> String {
    let source = text::block(answer);
    let mut out = String::with_capacity(source.len() * 3 / 2);
    html::push_html(&mut out, harmless(&source).into_iter());
    out
}

/// The answer as Markdown.
pub(crate) fn to_markdown(answer: &str) -> String {
    let source = text::block(answer);
    let mut writer = Writer::default();
    for event in harmless(&source) {
        writer.event(event);
    }
    writer.finish()
}

/// The events of a text, without those that could do harm.
fn harmless(source: &str) -> Vec<Event<'_>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    // Whether each open link is kept: its end has to follow its start.
    let mut links = Vec::new();
    let events = Parser::new_ext(source, options).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { link_type, dest_url, id, .. }) => {
            let kept = is_harmless_address(&dest_url);
            links.push(kept);
            kept.then(|| Event::Start(Tag::Link { link_type, dest_url, title: "".into(), id }))
        }
        Event::End(TagEnd::Link) => links.pop().unwrap_or(false).then_some(Event::End(TagEnd::Link)),
        Event::Start(Tag::Heading { level, .. }) => {
            Some(Event::Start(Tag::Heading { level: lowered(level), id: None, classes: Vec::new(), attrs: Vec::new() }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lowered(level)))),
        Event::Start(Tag::CodeBlock(_)) => Some(Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))),
        other => Some(other),
    });
    TextMergeStream::new(events).collect()
}

fn lowered(level: HeadingLevel) -> HeadingLevel {
    HeadingLevel::try_from(level as usize + HEADING_SHIFT).unwrap_or(HeadingLevel::H6)
}

fn is_harmless_address(address: &str) -> bool {
    let starts = |prefix: &str| address.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix));
    starts("http://") || starts("https://") || address.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "# Top\n\nSee [docs](https://a.example/x), [js](javascript:alert(1)), \
        [data](data:text/html;base64,AA), ![pixel](https://evil.example/p.png) and <img src=x onerror=alert(1)>.\n\n\
        <script>alert(1)</script>\n\n[rel](//evil.example) [in](#finding-1) <JAVASCRIPT:alert(1)>\n";

    #[test]
    fn html_keeps_only_harmless_marks() {
        let page = to_html(HOSTILE);
        assert_eq!(page.matches("<a href=").count(), 2, "{page}");
        assert!(page.contains("<a href=\"https://a.example/x\">docs</a>"), "{page}");
        assert!(page.contains("<a href=\"#finding-1\">in</a>"), "{page}");
        assert!(page.contains("<h3>Top</h3>"), "{page}");
        for bad in ["<img", "<script", "href=\"javascript", "href=\"data", "href=\"//"] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }

    #[test]
    fn markdown_keeps_only_harmless_marks() {
        let text = to_markdown(HOSTILE);
        assert!(text.starts_with("### Top\n\nSee [docs](<https://a.example/x>), js, data, pixel and"), "{text}");
        assert!(text.contains("&lt;img src=x onerror=alert(1)>"), "{text}");
        assert!(text.contains("rel [in](<#finding-1>)"), "{text}");
        assert!(!text.contains("<script"), "{text}");
    }

    /// What a reader sees of a text, by a renderer that knows nothing of this module.
    fn rendered(text: &str) -> String {
        let mut out = String::new();
        html::push_html(&mut out, Parser::new_ext(text, Options::ENABLE_TABLES));
        out
    }

    #[test]
    fn markdown_says_the_same_after_the_round_trip() {
        let answers = [
            "Plain text.\nSecond line, *soft* **hard** `code`.\n\nNext.",
            "- one\n- two\n  - deep *x*\n  - deeper\n\n    more of it\n- three\n\nAfter.",
            "3. three\n4. four\n\n   loose\n\n> quoted\n> > twice\n\n---\n\nend",
            "| a | b |\n|---|--:|\n| 1 \\| x | `y` |\n| 2 |  |\n",
            "Text\n\n```\ncode ``` <b>\n```\n\n    indented\n",
            "- ```\n  code in item\n\n  with a gap\n  ```\n- - nested at once\n",
            "a  \nhard break and 5 * 3 * 2, snake_case, 1\\. not a list",
        ];
        for answer in answers {
            assert_eq!(rendered(&to_markdown(answer)), rendered(answer), "{}", to_markdown(answer));
        }
    }
}
