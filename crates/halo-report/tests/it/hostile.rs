//! Traces and models write what they like. None of it may act on a reader.

use halo_protocol::{
    CheckOutcome, Count, Evidence, Finding, FindingSource, NamedQuery, RefusedFinding, Report, RunEnd, RunMode,
    ScopeEntry,
};
use halo_report::{html, json, markdown, summary};
use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::sample::rich;

/// Everything at once: HTML, Markdown of every kind, terminal controls, a bidi override, an invisible tag.
const POISON: &str = "<script>alert(1)</script> <img src=x onerror=alert(1)> \"'><svg/onload=alert(1)> \
    [click](javascript:alert(1)) ![pixel](https://evil.example/p.png) | cell | `tick` ```` https://evil.example \
    \u{1b}[2J\u{1b}]8;;https://evil.example\u{7} \u{9b}31m \u{202e}txt.exe \u{e0041} {{ 7 * 7 }} </pre></style>\n\
    # heading\n```\n</details>\n````\n1. list\n- list\n| a | b |\n|---|---|\n=====\n<!-- comment";

fn evidence() -> Evidence {
    Evidence { trace_id: POISON.to_owned(), span_id: POISON.to_owned(), quote: POISON.to_owned() }
}

/// A report in which every text is poison.
fn poisoned() -> Report {
    let poison = || POISON.to_owned();
    let mut report = rich();
    report.findings = vec![Finding {
        id: poison(),
        title: poison(),
        category: poison(),
        claim: poison(),
        cause: poison(),
        fix: poison(),
        affected_sql: poison(),
        population_sql: poison(),
        scope: vec![ScopeEntry { key: poison(), value: poison(), ..report.findings[0].scope[0].clone() }],
        evidence: vec![evidence()],
        code: vec![halo_protocol::CodeCitation { place: poison(), text: poison(), commit: Some(poison()) }],
        outcomes: None,
        sample_trace_ids: vec![poison()],
        source: FindingSource::Agent { name: poison() },
        ..report.findings[0].clone()
    }];
    report.findings.push(report.findings[0].clone());
    report.answer = Some(poison());
    report.refused = vec![RefusedFinding { title: poison(), reason: poison() }];
    report.coverage.checks =
        vec![CheckOutcome { one_offs: vec![evidence()], ..failing_check(None) }, failing_check(Some(poison()))];
    report.queries = vec![NamedQuery { name: poison(), sql: poison() }];
    report.run.input = poison();
    report.run.prompt = Some(poison());
    report.run.started_at = poison();
    report.run.halo_version = poison();
    report.run.mode = RunMode::Model { model: poison() };
    report.run.end = RunEnd::Failed { error: poison() };
    report.dataset.first_time = Some(poison());
    report.dataset.last_time = Some(poison());
    let count = || vec![Count { value: POISON.to_owned(), traces: 3 }];
    report.dataset.services = count();
    report.dataset.agents = count();
    report.dataset.models = count();
    report.dataset.tools = count();
    report
}

fn failing_check(error: Option<String>) -> CheckOutcome {
    CheckOutcome {
        name: POISON.to_owned(),
        title: POISON.to_owned(),
        affected: 1,
        population: 9,
        findings: 0,
        one_offs: Vec::new(),
        error,
    }
}

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
    assert_eq!(tags, ["<a id=\"finding-1\">", "</a>", "<a id=\"finding-2\">", "</a>"]);
    assert_eq!(links, ["#finding-1", "#finding-1", "#finding-2"]);
    // The title; the sections, with one heading of the model's own below the second; two findings.
    assert_eq!(headings, [1, 2, 3, 2, 3, 3, 2, 2, 2, 2, 2, 2]);
    // Two rows of findings, two of checks, and the heads of both; a table of the model is none.
    assert_eq!(cells, 2 * 6 + 2 * 4 + 6 + 4);
    // Two findings with a piece of code, a quote, two queries and a block for the coding agent each; a one-off; a query; and
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
