//! `halo verify`: everything that a report says is measured again; on other traces, what became of its findings.

use std::time::Duration;

use halo_checks::{Check, CheckOptions, Gate, changes, checks_with, run_checks};
use halo_dataset::Dataset;
use halo_protocol::{EventKind, Finding, FindingDraft, FindingSource, Report, RunEvent};
use halo_query::{TraceSession, summary};
use halo_tool::{ColumnType, FindingGate as _};
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::difference::{Difference, differences};
use super::rows;
use crate::args::{Common, VerifyArgs};
use crate::commands::analyze::kept_checks;
use crate::commands::sql::session_options;
use crate::exit::{Exit, Failure};
use crate::run_folder::{EVENTS, RunFolder};
use crate::{interrupt, output, raw_input};

mod difference;

/// Longest wall time of one query.
const QUERY_TIME_MAX: Duration = Duration::from_secs(120);

/// Columns of what does not hold.
const COLUMNS: [(&str, ColumnType); 4] = [
    ("what", ColumnType::Text),
    ("figure", ColumnType::Text),
    ("report", ColumnType::Text),
    ("measured", ColumnType::Text),
];

/// Runs the command.
pub(crate) async fn run(args: &VerifyArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let folder = RunFolder::named(&args.run)?;
    let report = folder.read_report()?;
    if args.inputs.is_empty() {
        again(&folder, &report, args, common).await
    } else {
        compare(&folder, &report, args, common).await
    }
}

/// On the traces that the report is about, where every figure must come out as it stands.
async fn again(folder: &RunFolder, report: &Report, args: &VerifyArgs, common: &Common) -> Result<Exit, Failure> {
    let settings = folder.read_settings()?;
    let dataset = Dataset::open(&settings.dataset)?;
    let session = TraceSession::open(&dataset, session_options(common)).await?;
    let mut found = files(folder, report);
    found.extend(log(folder, report)?);
    let catalogue = checks_with(settings.checks.as_deref())?;
    found.extend(traces(&catalogue, &session, report).await?);
    if found.is_empty() {
        let quotes: usize = report.findings.iter().map(|finding| finding.evidence.len()).sum();
        let text = format!(
            "all holds: {}, {}, {}\n",
            output::counted(report.findings.len() as u64, "finding"),
            output::counted(quotes as u64, "quote"),
            output::counted(report.coverage.checks.len() as u64, "check"),
        );
        if args.format == crate::args::RowFormat::Table {
            output::stdout(&text)?;
        } else {
            rows::print(&COLUMNS, Vec::new(), args.format)?;
        }
        return Ok(Exit::Done);
    }
    let figures = if found.len() == 1 { "1 figure does".to_owned() } else { format!("{} figures do", found.len()) };
    let told = found.into_iter().filter_map(|difference| object(&difference)).collect();
    rows::print(&COLUMNS, told, args.format)?;
    let note = format!("{figures} not hold; `halo verify RUN DATASET` compares with a dataset that has grown since");
    output::note(common, &note);
    Ok(Exit::Gate)
}

fn object(value: &impl Serialize) -> Option<Map<String, Value>> {
    match serde_json::to_value(value) {
        Ok(Value::Object(row)) => Some(row),
        _ => None,
    }
}

/// The report as people read it is made of `report.json` alone.
fn files(folder: &RunFolder, report: &Report) -> Vec<Difference> {
    let made = [("report.md", halo_report::markdown(report)), ("report.html", halo_report::html(report))];
    let is_other = |name: &str, made: &str| std::fs::read_to_string(folder.file(name)).is_ok_and(|text| text != made);
    let others = made.iter().filter(|(name, made)| is_other(name, made));
    others.map(|(name, _)| Difference::new(name, "text", "other words or figures", "what report.json says")).collect()
}

/// What the log of the run says: what it cost, how it ended, what models claimed.
fn log(folder: &RunFolder, report: &Report) -> Result<Vec<Difference>, Failure> {
    let path = folder.file(EVENTS);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(Vec::new());
    };
    let events = text.lines().filter_map(|line| serde_json::from_str::<RunEvent>(line).ok());
    let (mut end, mut claimed) = (None, Vec::new());
    for event in events {
        match event.item {
            EventKind::FindingAccepted { finding } => claimed.push(*finding),
            EventKind::RunFinished { end: how, answer, usage } => end = Some((how, answer, usage)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Some((how, answer, usage)) = end {
        let answer_told = report.answer.clone().unwrap_or_default();
        found.extend(differences(
            "run",
            &json!({"end": report.run.end, "usage": report.usage, "answer": answer_told}),
            &json!({"end": how, "usage": usage, "answer": answer}),
        ));
    }
    for finding in report.findings.iter().filter(|finding| is_of_agent(finding)) {
        match claimed.iter().rev().find(|claim| claim.id == finding.id) {
            Some(claim) => found.extend(differences(&finding.title, finding, claim)),
            None => {
                found.push(Difference::new(&finding.title, "finding", "in the report", "not in the log of the run"))
            }
        }
    }
    Ok(found)
}

fn is_of_agent(finding: &Finding) -> bool {
    matches!(finding.source, FindingSource::Agent { .. })
}

/// What the traces say.
async fn traces(catalogue: &[Check], session: &TraceSession, report: &Report) -> Result<Vec<Difference>, Failure> {
    let cancel = interrupt::token();
    let options = CheckOptions { time_max: QUERY_TIME_MAX, deadline: None };
    let dataset = summary(session).await?;
    let mut found = differences("dataset", &report.dataset, &dataset);
    let coverage = [("traces_total", report.coverage.traces_total), ("traces_checked", report.coverage.traces_checked)];
    found.extend(coverage.into_iter().filter(|(_, claimed)| *claimed != dataset.traces).map(|(figure, claimed)| {
        Difference::new("coverage", figure, &claimed.to_string(), &dataset.traces.to_string())
    }));
    let checked = run_checks(catalogue, session, options, &cancel).await?;
    for outcome in &report.coverage.checks {
        let name = format!("check {}", outcome.name);
        match checked.outcomes.iter().find(|other| other.name == outcome.name) {
            Some(other) => found.extend(differences(&name, outcome, other)),
            None => found.push(Difference::new(&name, "check", "ran", "this halo has no such check")),
        }
    }
    let gate = Gate::new(session.clone(), options, cancel);
    for finding in &report.findings {
        if !is_of_agent(finding) {
            match checked.findings.iter().find(|other| other.id == finding.id) {
                Some(other) => found.extend(differences(&finding.title, finding, other)),
                None => found.push(Difference::new(&finding.title, "finding", "there is one", "the checks find none")),
            }
            continue;
        }
        match gate.check(draft(finding)).await {
            Ok(measured) => {
                // The id is of the words, and code is not of the traces.
                let measured = Finding { id: finding.id.clone(), code: finding.code.clone(), ..measured };
                found.extend(differences(&finding.title, finding, &measured));
            }
            Err(error) => found.push(Difference::new(&finding.title, "finding", "holds", &error.to_string())),
        }
    }
    Ok(found)
}

/// The claim behind a finding.
fn draft(finding: &Finding) -> FindingDraft {
    let finding = finding.clone();
    FindingDraft {
        title: finding.title,
        category: finding.category,
        severity: finding.severity,
        claim: finding.claim,
        cause: finding.cause,
        fix: finding.fix,
        affected_sql: finding.affected_sql,
        population_sql: Some(finding.population_sql),
        evidence: finding.evidence,
        source: finding.source,
    }
}

/// On other traces: how often each fault happens there, and what is new.
async fn compare(folder: &RunFolder, report: &Report, args: &VerifyArgs, common: &Common) -> Result<Exit, Failure> {
    let input = raw_input::open(&args.inputs, &args.rejects, common)?;
    let session = TraceSession::open(&input.dataset, session_options(common)).await?;
    let cancel = interrupt::token();
    let options = CheckOptions { time_max: QUERY_TIME_MAX, deadline: None };
    let catalogue = checks_with(folder.read_settings()?.checks.as_deref())?;
    let checked = kept_checks::found(&catalogue, &session, &input.dataset, options, &cancel).await?;
    let gate = Gate::new(session, options, cancel);
    let changes = changes(&gate, &report.findings, &checked.findings).await?;
    rows::print(&rows::CHANGE_COLUMNS, changes.iter().map(rows::of_change).collect(), args.format)?;
    Ok(Exit::Done)
}
