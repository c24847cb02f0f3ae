//! Traces and models write what they like. None of it may act on a reader.

use halo_protocol::{Conversation, Evidence, Turn, TurnRole};
use halo_report::{html, json, markdown, summary};
use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::poison::{POISON, evidence, poisoned};
use crate::sample::rich;

/// No control character but line ends and tabs, nothing that turns a line around, nothing invisible.
fn assert_harmless_to_a_terminal(text: &str) {
    for character in text.chars() {
        let steers = character.is_control() && !matches!(character, '\n' | '\t');
        let hides = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}');
        assert!(!steers && !hides, "U+{:04X} in\n{text}", u32::from(character));
    }
}

#[test]
fn no_terminal_is_steered() {
    let report = poisoned();
    for text in [markdown(&report), html(&report), summary(&report, 80)] {
        assert!(text.contains('␛'), "the escape is shown, not dropped");
        assert_harmless_to_a_terminal(&text);
    }
    // JSON escapes them itself, and is for programs.
    assert!(!json(&report).contains('\u{1b}'));
}

#[test]
fn no_markup_of_a_stranger_reaches_the_page() {
    let page = html(&poisoned());
    let body = page.split_once("<body>").expect("the page has a body").1;
    let tags = ["script", "img", "style", "link", "iframe", "object", "base", "form", "meta"];
    for tag in tags {
        assert!(!body.contains(&format!("<{tag}")), "<{tag} in the page");
    }
    for text in ["<svg/onload", "href=\"javascript", "href=\"https://evil", "<!--"] {
        assert!(!body.contains(text), "{text} in the page");
    }
    assert!(body.contains("{{ 7 * 7 }}"), "text is no template");
    let opened = body.matches("<pre").count();
    assert_eq!(opened, body.matches("</pre>").count());
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\""));
}

#[test]
fn no_attribute_runs_code() {
    let page = html(&poisoned());
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        for attribute in [" onerror=", " onload=", " onclick=", "/onload=", " src="] {
            assert!(!tag.contains(attribute), "<{tag}>");
        }
    }
}

#[test]
fn markdown_has_the_structure_of_halo_and_no_other() {
    let text = markdown(&poisoned());
    let (mut blocks, mut cells) = (0, 0);
    let (mut headings, mut links, mut tags) = (Vec::new(), Vec::new(), Vec::new());
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => blocks += 1,
            Event::Start(Tag::TableCell) => cells += 1,
            Event::Start(Tag::Heading { level, .. }) => headings.push(level as usize),
            Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.into_string()),
            Event::Start(Tag::Image { .. }) => panic!("an image in\n{text}"),
            Event::Html(html) | Event::InlineHtml(html) => tags.push(html.trim().to_owned()),
            _ => {}
        }
    }
    tags.retain(|tag| !tag.is_empty());
    let folded = |title| ["<details>".to_owned(), format!("<summary>{title}</summary>"), "</details>".to_owned()];
    let finding = |number| {
        let anchor = [format!("<a id=\"finding-{number}\">"), "</a>".to_owned()];
        anchor.into_iter().chain(folded("Count again with SQL")).chain(folded("Hand to your coding agent"))
    };
    assert_eq!(tags, finding(1).chain(finding(2)).collect::<Vec<_>>());
    assert_eq!(links, ["#finding-1", "#finding-1", "#finding-2"]);
    // The title; the sections, with one heading of the model's own below the second; two findings.
    assert_eq!(headings, [1, 2, 3, 2, 3, 3, 2, 2, 2, 2, 2, 2]);
    // Two rows of findings, two of checks, and the heads of both; a table of the model is none.
    assert_eq!(cells, 2 * 7 + 2 * 4 + 7 + 4);
    // Two findings with a piece of code, a conversation with its quote, two queries and a block for the coding agent each; a one-off; a query; and
    // the block that the model opened and never closed ends with its answer.
    assert_eq!(blocks, 2 * 5 + 1 + 1 + 1);
}

#[test]
fn a_quote_is_shown_word_for_word() {
    let mut report = rich();
    let quote = "``` | <img src=x> | ~~~\n````sql\nSELECT 1\n````";
    report.findings.truncate(1);
    report.findings[0].evidence = vec![Evidence { quote: quote.to_owned(), ..evidence() }];
    assert!(markdown(&report).contains(&format!("\n`````text\n{quote}\n`````\n")));
    assert!(html(&report).contains("``` | &lt;img src=x&gt; | ~~~\n````sql\nSELECT 1\n````</pre>"));
}

#[test]
fn a_huge_quote_does_not_flood_the_report() {
    let mut report = rich();
    report.findings.truncate(1);
    report.findings[0].evidence = vec![Evidence { quote: "x ".repeat(2_000_000), ..evidence() }];
    let long = "t".repeat(100_000);
    report.findings[0].sample_trace_ids = vec![long.clone()];
    let turn = Turn {
        span_id: POISON.to_owned(),
        role: TurnRole::ToolResult,
        name: Some("n".repeat(10_000)),
        text: "y\n".repeat(10_000),
        is_cut: true,
        is_quoted: false,
    };
    report.findings[0].conversations =
        vec![Conversation { trace_id: POISON.to_owned(), span_id: POISON.to_owned(), turns: vec![turn; 100] }];
    report.findings[0].trend = vec![report.findings[0].trend[0].clone(); 5_000];
    report.findings[0].scope[0].value = long;
    assert!(markdown(&report).len() < 20_000);
    assert!(html(&report).len() < 60_000);
    assert!(json(&report).len() > 4_000_000, "JSON keeps everything");
}

#[test]
fn deeply_nested_answers_are_rendered() {
    let mut report = rich();
    for nested in
        ["> ".repeat(2_000), "- ".repeat(2_000), "[".repeat(20_000), "*a ".repeat(20_000), "<b>".repeat(20_000)]
    {
        report.answer = Some(format!("{nested}the end"));
        assert!(markdown(&report).contains("the end"));
        assert!(html(&report).contains("the end"));
    }
}

#[test]
fn a_quote_is_marked_in_its_conversation_and_stays_text() {
    let mut report = rich();
    report.findings.truncate(1);
    let quote = "<b onclick=x>``` \u{202e}";
    let turn = |role, text: &str| Turn {
        span_id: "s".to_owned(),
        role,
        name: None,
        text: text.to_owned(),
        is_cut: false,
        is_quoted: true,
    };
    let turns = vec![turn(TurnRole::User, "</li><i>"), turn(TurnRole::Assistant, &format!("a {quote} </mark> z"))];
    report.findings[0].evidence =
        vec![Evidence { trace_id: "t".to_owned(), span_id: "s".to_owned(), quote: quote.to_owned() }];
    report.findings[0].conversations = vec![Conversation { trace_id: "t".to_owned(), span_id: "s".to_owned(), turns }];
    let page = html(&report);
    assert!(page.contains("a <mark>&lt;b onclick=x&gt;``` ⟨U+202E⟩</mark> &lt;&#x2f;mark&gt; z</div>"), "{page}");
    assert!(!page.contains("</li><i>"));
    assert!(
        markdown(&report)
            .contains("\n````text\n▶ user: </li><i>\n▶ model: a ⟦<b onclick=x>``` ⟨U+202E⟩⟧ </mark> z\n````\n")
    );
}
