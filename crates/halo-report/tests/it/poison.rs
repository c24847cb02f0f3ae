//! A report in which every text is hostile.

use halo_protocol::{
    CheckOutcome, Conversation, Count, Evidence, Finding, FindingSource, NamedQuery, RefusedFinding, Report, RunEnd,
    RunMode, ScopeEntry, TrendPoint, Turn, TurnRole,
};

use crate::sample::rich;

/// Everything at once: HTML, Markdown of every kind, terminal controls, a bidi override, an invisible tag.
pub(crate) const POISON: &str = "<script>alert(1)</script> <img src=x onerror=alert(1)> \"'><svg/onload=alert(1)> \
    [click](javascript:alert(1)) ![pixel](https://evil.example/p.png) | cell | `tick` ```` https://evil.example \
    \u{1b}[2J\u{1b}]8;;https://evil.example\u{7} \u{9b}31m \u{202e}txt.exe \u{e0041} {{ 7 * 7 }} </pre></style>\n\
    # heading\n```\n</details>\n````\n1. list\n- list\n| a | b |\n|---|---|\n=====\n<!-- comment";

/// A quote of nothing else.
pub(crate) fn evidence() -> Evidence {
    Evidence { trace_id: POISON.to_owned(), span_id: POISON.to_owned(), quote: POISON.to_owned() }
}

/// A conversation in which everybody says it, the quote among it or not.
fn conversation() -> Conversation {
    let roles = [TurnRole::User, TurnRole::ToolCall, TurnRole::ToolResult, TurnRole::Assistant, TurnRole::Other];
    let turn = |role| Turn {
        span_id: POISON.to_owned(),
        role,
        name: Some(POISON.to_owned()),
        text: format!("before {POISON} after"),
        is_cut: role == TurnRole::Other,
        is_quoted: role == TurnRole::ToolResult,
    };
    Conversation { trace_id: POISON.to_owned(), span_id: POISON.to_owned(), turns: roles.map(turn).into() }
}

/// A report in which every text is poison.
pub(crate) fn poisoned() -> Report {
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
        trend: [4, 0, 9].map(|affected| TrendPoint { from: poison(), to: poison(), affected, population: 3 }).into(),
        conversations: vec![conversation()],
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
        untold: None,
        error,
    }
}
