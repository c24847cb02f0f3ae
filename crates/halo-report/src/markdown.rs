//! The report as Markdown.

use std::fmt::Write;

use halo_protocol::Report;

use crate::answer;
use crate::escape::{cell, code, fence, inline, paragraphs, sentence};
use crate::number::counted;
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
    if let Some(step) = &view.verdict.first_step {
        line(out, &format!("**What to do:** {}", sentence(step)));
    }
    line(out, &format!("{} · {}", code(&view.input), inline(&view.made)));
    for warning in &view.warnings {
        line(out, &format!("> {}", inline(warning)));
    }
    if view.findings.is_empty() {
        return;
    }
    findings_table(out, view);
    if let Some(order) = &view.order {
        line(out, &inline(&order.how.join(" ")));
    }
    if let Some(also) = &view.also_seen {
        line(out, &inline(also));
    }
}

fn findings_table(out: &mut String, view: &View) {
    let (head, rule) = if view.has_trends { (" Trend |", " --- |") } else { ("", "") };
    let _ = writeln!(out, "| # | Severity | Fault | Runs hit | Rate (95 % interval) | Where |{head}");
    let _ = writeln!(out, "| --: | --- | --- | --: | --- | --- |{rule}");
    for finding in &view.findings {
        let trend = match (&finding.trend, view.has_trends) {
            (Some(trend), _) => format!(" {} |", inline(&trend.word)),
            (None, true) => " – |".to_owned(),
            (None, false) => String::new(),
        };
        let _ = writeln!(
            out,
            "| {number} | {} | [{}](#finding-{number}) | {} of {} | {} ({}) | {} |{trend}",
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
    if let Some(trend) = &finding.trend {
        line(out, &format!("**Over time.** {}", inline(&trend.sentence)));
    }
    if !finding.reason.is_empty() {
        line(out, &format!("*{}*", inline(&finding.reason)));
    }
    if !finding.cause.is_empty() {
        line(out, &format!("**Likely cause.** {}", paragraphs(&finding.cause)));
    }
    if !finding.fix.is_empty() {
        line(out, &format!("**Fix.** {}", paragraphs(&finding.fix)));
    }
    for place in &finding.code {
        let commit = place.commit.as_ref().map(|commit| format!(" at {}", code(commit))).unwrap_or_default();
        line(out, &format!("In the code, {}{commit}:", code(&place.place)));
        line(out, &fence(&place.text, "text"));
    }
    quotes(out, &finding.quotes);
    if !finding.folded_quotes.is_empty() {
        folded(out, "More from the traces", |out| quotes(out, &finding.folded_quotes));
    }
    if let Some(more) = &finding.more_quotes {
        line(out, &inline(more));
    }
    if !finding.samples.is_empty() {
        let ids = finding.samples.iter().map(|id| code(id)).collect::<Vec<_>>().join(", ");
        let more = finding.more_samples.as_ref().map(|more| format!(", {}", inline(more))).unwrap_or_default();
        line(out, &format!("**Runs to read.** {ids}{more}"));
    }
    folded(out, "Count again with SQL", |out| {
        line(out, "The runs that are hit:");
        line(out, &fence(&finding.affected_sql, "sql"));
        if !finding.population_sql.is_empty() {
            line(out, "Out of:");
            line(out, &fence(&finding.population_sql, "sql"));
        }
    });
    folded(out, "Hand to your coding agent", |out| line(out, &fence(&finding.handoff, "text")));
    line(out, &format!("{}. Finding {}.", sentence(&finding.source), code(&finding.id)));
}

fn quotes(out: &mut String, quotes: &[Quote]) {
    for quote in quotes {
        let note = if quote.shortened { ", shortened here, whole in the JSON report" } else { "" };
        let brief: Vec<String> = quote.brief.iter().map(|words| code(words)).collect();
        let brief = if brief.is_empty() { String::new() } else { format!(", quoted {}", brief.join(", ")) };
        line(out, &format!("Trace {}, span {}{brief}{note}:", code(&quote.trace), code(&quote.span)));
        for text in &quote.texts {
            line(out, &fence(text, "text"));
        }
        if let Some(talk) = &quote.talk {
            line(out, &fence(&talk.transcript(), "text"));
            let folded = talk.folded();
            if folded > 0 {
                line(out, &format!("{} in the JSON report.", counted(folded, "more turn", "more turns")));
            }
        }
    }
}

/// A part that stays folded where it is long and not for every reader. GitHub and its like fold it; elsewhere it stands open.
fn folded(out: &mut String, title: &str, inside: impl FnOnce(&mut String)) {
    line(out, &format!("<details>\n<summary>{title}</summary>"));
    inside(out);
    line(out, "</details>");
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
