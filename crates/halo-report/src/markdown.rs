//! The report as Markdown.

use std::fmt::Write;

use halo_protocol::Report;

use crate::answer;
use crate::escape::{cell, code, fence, inline, paragraphs, sentence};
use crate::view::{Fact, FindingView, Quote, View};

/// The report as Markdown, for a pull request, a ticket or a terminal. Tables and fences are those of
/// GitHub's dialect.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let view = View::new(report);
    let mut out = String::new();
    top(&mut out, &view);
    if let Some(text) = &view.answer {
        section(&mut out, "The analyst's summary");
        line(&mut out, &answer::to_markdown(text));
    }
    if !view.findings.is_empty() {
        section(&mut out, "Findings");
        for finding in &view.findings {
            one_finding(&mut out, finding);
        }
    }
    one_offs(&mut out, &view);
    looked_at(&mut out, &view);
    if !view.refused.is_empty() {
        section(&mut out, "Claims that did not pass");
        line(
            &mut out,
            "These were claimed and are not findings: their numbers or quotes did not hold when they were re-executed.",
        );
        let claims =
            view.refused.iter().map(|claim| format!("- **{}**: {}", inline(&claim.title), inline(&claim.reason)));
        line(&mut out, &claims.collect::<Vec<_>>().join("\n"));
    }
    section(&mut out, "Cost");
    facts(&mut out, &view.cost);
    section(&mut out, "Dataset");
    facts(&mut out, &view.dataset);
    if !view.queries.is_empty() {
        section(&mut out, "Queries");
        for query in &view.queries {
            line(&mut out, &format!("{}:", inline(&query.name)));
            line(&mut out, &fence(&query.sql, "sql"));
        }
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

/// A block with an empty line after it.
fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end_matches('\n'));
    out.push_str("\n\n");
}

fn section(out: &mut String, title: &str) {
    line(out, &format!("## {title}"));
}

fn top(out: &mut String, view: &View) {
    line(out, &format!("# {}", inline(&view.verdict.headline)));
    if let Some(partial) = &view.partial {
        line(out, &format!("> **{}**", inline(partial)));
    }
    if let Some(prompt) = &view.prompt {
        line(out, &format!("Asked: {}", inline(prompt)));
    }
    let mut opening = view.verdict.reach.clone();
    if !view.verdict.tally.is_empty() {
        let tally = view.verdict.tally.iter().map(|tally| format!("{} {}", tally.count, tally.severity));
        let _ = write!(opening, " By severity: {}.", tally.collect::<Vec<_>>().join(", "));
    }
    let mut opening = inline(opening.trim_start());
    if let Some(first) = &view.verdict.first {
        let _ = write!(opening, " **Fix first: [{}](#finding-1).**", cell(first));
    }
    line(out, &opening);
    line(out, &format!("{} · {}", code(&view.input), inline(&view.made)));
    for warning in &view.warnings {
        line(out, &format!("> {}", inline(warning)));
    }
    if view.findings.is_empty() {
        return;
    }
    out.push_str("| # | Severity | Fault | Runs hit | Rate (95 % interval) | Where |\n");
    out.push_str("| --: | --- | --- | --: | --- | --- |\n");
    for finding in &view.findings {
        let _ = writeln!(
            out,
            "| {number} | {} | [{}](#finding-{number}) | {} of {} | {} ({}) | {} |",
            finding.severity,
            cell(&finding.title),
            finding.affected,
            finding.population,
            inline(&finding.rate),
            inline(&finding.interval),
            cell(&finding.place),
            number = finding.number,
        );
    }
    out.push('\n');
}

fn one_finding(out: &mut String, finding: &FindingView) {
    let number = finding.number;
    line(out, &format!("<a id=\"finding-{number}\"></a>\n\n### {number}. {}", cell(&finding.title)));
    let unverified = if finding.verified { "" } else { " · **not re-executed**" };
    line(out, &format!("**{}** · {}{unverified}", finding.severity, inline(&finding.category)));
    line(out, &paragraphs(&finding.claim));
    line(out, &format!("**Who is hit.** {}", finding.who.iter().map(|s| sentence(s)).collect::<Vec<_>>().join(" ")));
    if !finding.cause.is_empty() {
        line(out, &format!("**Cause.** {}", paragraphs(&finding.cause)));
    }
    if !finding.fix.is_empty() {
        line(out, &format!("**Fix.** {}", paragraphs(&finding.fix)));
    }
    for place in &finding.code {
        line(out, &format!("In the code, {}:", code(&place.place)));
        line(out, &fence(&place.text, "text"));
    }
    quotes(out, &finding.quotes);
    if let Some(more) = &finding.more_quotes {
        line(out, &inline(more));
    }
    if !finding.samples.is_empty() {
        let ids = finding.samples.iter().map(|id| code(id)).collect::<Vec<_>>().join(", ");
        let more = finding.more_samples.as_ref().map(|more| format!(", {}", inline(more))).unwrap_or_default();
        line(out, &format!("**Runs to read.** {ids}{more}"));
    }
    line(out, "**Count again.** The runs that are hit:");
    line(out, &fence(&finding.affected_sql, "sql"));
    if !finding.population_sql.is_empty() {
        line(out, "Out of:");
        line(out, &fence(&finding.population_sql, "sql"));
    }
    line(out, "**Hand to your coding agent.**");
    line(out, &fence(&finding.handoff, "text"));
    line(out, &format!("{}. Finding {}.", sentence(&finding.source), code(&finding.id)));
}

fn quotes(out: &mut String, quotes: &[Quote]) {
    for quote in quotes {
        let note = if quote.shortened { ", shortened here, whole in the JSON report" } else { "" };
        line(out, &format!("Trace {}, span {}{note}:", code(&quote.trace), code(&quote.span)));
        line(out, &fence(&quote.text, "text"));
    }
}

fn one_offs(out: &mut String, view: &View) {
    if view.one_offs.is_empty() {
        return;
    }
    section(out, "Seen, but not systemic");
    for one_off in &view.one_offs {
        line(out, &format!("**{}**: {}", inline(&one_off.title), inline(&one_off.seen)));
        quotes(out, &one_off.quotes);
    }
}

fn looked_at(out: &mut String, view: &View) {
    section(out, "What was looked at");
    line(out, &inline(&view.looked_at.sentences.join(" ")));
    if view.looked_at.checks.is_empty() {
        return;
    }
    out.push_str("| Check | Looks for | Runs matched | Outcome |\n| --- | --- | --: | --- |\n");
    for check in &view.looked_at.checks {
        let cells = [&check.name, &check.title, &check.matched, &check.outcome].map(|text| inline(text));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
}

fn facts(out: &mut String, facts: &[Fact]) {
    let rows = facts.iter().map(|fact| format!("- {}: {}", fact.name, inline(&fact.value)));
    line(out, &rows.collect::<Vec<_>>().join("\n"));
}
