//! `halo verify`: everything that a report says is measured again; on other traces, what became of its findings.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halo_checks::{Check, CheckOptions, CheckReport, Gate, changes, run_checks};
use halo_dataset::Dataset;
use halo_protocol::{CheckOutcome, EventKind, Finding, FindingDraft, FindingSource, Report, RunEnd, RunEvent, RunMode};
use halo_query::{TraceSession, summary};
use halo_tool::{ColumnType, FindingGate as _};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use self::difference::{Difference, differences};
use super::rows;
use crate::args::{Common, RowFormat, VerifyArgs};
use crate::commands::analyze::settings::RunSettings;
use crate::commands::analyze::{kept_checks, merge};
use crate::exit::{Exit, Failure};
use crate::rules::Rules;
use crate::run_folder::{EVENTS, RunFolder};
use crate::{interrupt, output, raw_input};

mod difference;
mod pages;

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

/// On the traces that the report is about, where every figure must come out as it stands. What it took in time and money can't be measured again.
async fn again(folder: &RunFolder, report: &Report, args: &VerifyArgs, common: &Common) -> Result<Exit, Failure> {
    let settings = folder.read_settings()?;
    let dataset = Dataset::open(&settings.dataset)?;
    same_dataset(&settings, &dataset)?;
    let cancel = interrupt::token();
    let rules = Rules::read(settings.checks.as_deref(), settings.outcome.as_deref())?;
    let session = rules.session(&dataset, common, &cancel).await?;
    let mut found = run_facts(&settings, report);
    found.extend(log(folder, report));
    found.extend(traces(&rules.checks, &session, report, cancel).await?);
    if report.run.halo_version == env!("CARGO_PKG_VERSION") {
        found.extend(pages::differences(folder, report, common)?);
    } else {
        let (then, now) = (&report.run.halo_version, env!("CARGO_PKG_VERSION"));
        output::warning(&format!("the report is of halo {then} and this is {now}: its checks and pages may differ"));
    }
    if !found.is_empty() {
        let figures = if found.len() == 1 { "1 figure does".to_owned() } else { format!("{} figures do", found.len()) };
        rows::print(&COLUMNS, found.iter().filter_map(object).collect(), args.format)?;
        output::note(common, &format!("{figures} not hold"));
        return Ok(Exit::Gate);
    }
    let quotes: usize = report.findings.iter().map(|finding| finding.evidence.len()).sum();
    let verdict = format!(
        "all holds: {}, {}, {}",
        output::counted(report.findings.len() as u64, "finding"),
        output::counted(quotes as u64, "quote"),
        output::counted(report.coverage.checks.len() as u64, "check"),
    );
    if args.format == RowFormat::Table {
        output::stdout(&format!("{verdict}\n"))?;
    } else {
        rows::print(&COLUMNS, Vec::new(), args.format)?;
        output::note(common, &verdict);
    }
    Ok(Exit::Done)
}

/// Whether the dataset holds what it held for the run: a report can't be measured on other traces.
fn same_dataset(settings: &RunSettings, dataset: &Dataset) -> Result<(), Failure> {
    let now = dataset.manifest();
    let Some(then) = &settings.manifest else { return Ok(()) };
    if (then.spans, then.traces, &then.sources) == (now.spans, now.traces, &now.sources) {
        return Ok(());
    }
    let message = format!(
        "the dataset has changed since the run: it held {} in {} then, and holds {} in {} now",
        output::counted(then.spans, "span"),
        output::counted(then.traces, "trace"),
        output::counted(now.spans, "span"),
        output::counted(now.traces, "trace"),
    );
    let hint = format!("`halo verify RUN {}` tells what became of its findings there", settings.inputs.join(" "));
    Err(Failure::new(Exit::Input, message).hint(hint))
}

/// What `run.json` says of the run.
fn run_facts(settings: &RunSettings, report: &Report) -> Vec<Difference> {
    let mode = settings.model.as_ref().map_or(RunMode::Offline, |run| RunMode::Model { model: run.model.clone() });
    let told = json!({
        "mode": report.run.mode, "started_at": report.run.started_at, "prompt": report.run.prompt, "queries": report.queries,
    });
    let written = json!({
        "mode": mode, "started_at": settings.started_at, "queries": [],
        "prompt": settings.prompt.clone().filter(|_| settings.model.is_some()),
    });
    differences("run", &told, &written)
}

fn object(value: &impl Serialize) -> Option<Map<String, Value>> {
    match serde_json::to_value(value) {
        Ok(Value::Object(row)) => Some(row),
        _ => None,
    }
}

/// What the log of the run says: what it cost, how it ended, what was read, what models claimed.
fn log(folder: &RunFolder, report: &Report) -> Vec<Difference> {
    let text = std::fs::read(folder.file(EVENTS)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let events = text.lines().filter_map(|line| serde_json::from_str::<RunEvent>(line).ok());
    let (mut end, mut claims, mut read) = (None, BTreeMap::new(), BTreeSet::new());
    for event in events {
        match event.item {
            EventKind::FindingAccepted { finding } => drop(claims.insert(finding.id.clone(), *finding)),
            EventKind::ToolResult { traces_shown, .. } => read.extend(traces_shown),
            EventKind::RunFinished { end: how, answer, usage } => end = Some((how, answer, usage)),
            _ => {}
        }
    }
    let Some((how, answer, usage)) = end else {
        return vec![Difference::new("run", "end", "there is a report", "the log does not tell how the run ended")];
    };
    let told = json!({
        "end": report.run.end, "usage": report.usage, "answer": report.answer.clone().unwrap_or_default(),
        "traces_read": report.coverage.traces_read,
    });
    let logged = json!({"end": how, "usage": usage, "answer": answer, "traces_read": read.len()});
    let mut found = differences("run", &told, &logged);
    for finding in report.findings.iter().filter(|finding| is_of_agent(finding)) {
        match claims.get(&finding.id) {
            Some(claim) => found.extend(differences(&finding.title, finding, claim)),
            None => {
                found.push(Difference::new(&finding.title, "finding", "in the report", "not in the log of the run"))
            }
        }
    }
    let is_told = |claim: &&Finding| report.findings.iter().any(|finding| finding.id == claim.id);
    let left_out = claims.values().filter(|claim| is_of_agent(claim) && !is_told(claim));
    found.extend(left_out.map(|claim| Difference::new(&claim.title, "finding", "left out", "in the log of the run")));
    found
}

fn is_of_agent(finding: &Finding) -> bool {
    matches!(finding.source, FindingSource::Agent { .. })
}

/// What the traces say.
async fn traces(
    catalogue: &[Check],
    session: &TraceSession,
    report: &Report,
    cancel: CancellationToken,
) -> Result<Vec<Difference>, Failure> {
    let options = CheckOptions { time_max: QUERY_TIME_MAX, deadline: None };
    let dataset = summary(session).await?;
    let mut found = differences("dataset", &report.dataset, &dataset);
    let coverage = [("traces_total", report.coverage.traces_total), ("traces_checked", report.coverage.traces_checked)];
    found.extend(coverage.into_iter().filter(|(_, claimed)| *claimed != dataset.traces).map(|(figure, claimed)| {
        Difference::new("coverage", figure, &claimed.to_string(), &dataset.traces.to_string())
    }));
    let checked = run_checks(catalogue, session, options, &cancel).await?;
    found.extend(checks(report, &checked));
    if let Some(claimed) =
        report.coverage.traces_hit.filter(|claimed| is_whole(report) && *claimed != checked.traces_hit)
    {
        let (claimed, measured) = (claimed.to_string(), checked.traces_hit.to_string());
        found.push(Difference::new("coverage", "traces_hit", &claimed, &measured));
    }
    // Interrupted, a run puts nothing together.
    if report.run.end != RunEnd::Interrupted {
        found.extend(whole(session, report, &checked, &cancel).await);
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

/// Whether every check had its time in the run.
fn is_whole(report: &Report) -> bool {
    report.coverage.checks.iter().all(|check| check.error.is_none())
}

/// What became of each check.
fn checks(report: &Report, checked: &CheckReport) -> Vec<Difference> {
    let mut found = Vec::new();
    // One that had no time says so, and claims nothing.
    for outcome in report.coverage.checks.iter().filter(|outcome| outcome.error.is_none()) {
        let name = format!("check {}", outcome.name);
        match checked.outcomes.iter().find(|other| other.name == outcome.name) {
            Some(other) => found.extend(differences(&name, outcome, other)),
            None => found.push(Difference::new(&name, "check", "ran", "this halo has no such check")),
        }
    }
    let is_told = |other: &&CheckOutcome| report.coverage.checks.iter().any(|outcome| outcome.name == other.name);
    let left_out = checked.outcomes.iter().filter(|other| !is_told(other));
    found.extend(
        left_out.map(|other| Difference::new(&format!("check {}", other.name), "check", "left out", "it runs")),
    );
    found
}

/// Whether all findings are there, each once, in their order.
async fn whole(
    session: &TraceSession,
    report: &Report,
    checked: &CheckReport,
    cancel: &CancellationToken,
) -> Vec<Difference> {
    let ran = |finding: &&Finding| match &finding.source {
        // What a check found that had no time in the run is not missed.
        FindingSource::Check { name } => {
            report.coverage.checks.iter().any(|check| check.name == *name && check.error.is_none())
        }
        FindingSource::Agent { .. } => true,
    };
    let of_agents: Vec<Finding> = report.findings.iter().filter(|finding| is_of_agent(finding)).cloned().collect();
    let of_checks: Vec<Finding> = checked.findings.iter().filter(ran).cloned().collect();
    let mut expected = merge::findings(session, of_agents, &of_checks, cancel).await;
    halo_report::rank(&mut expected, report.dataset.traces);
    let ids = |findings: &[Finding]| findings.iter().map(|finding| finding.id.clone()).collect::<Vec<_>>();
    differences("findings", &json!({"order": ids(&report.findings)}), &json!({"order": ids(&expected)}))
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
    let cancel = interrupt::token();
    let settings = folder.read_settings()?;
    let rules = Rules::read(settings.checks.as_deref(), settings.outcome.as_deref())?;
    let session = rules.session(&input.dataset, common, &cancel).await?;
    let options = CheckOptions { time_max: QUERY_TIME_MAX, deadline: None };
    let checked = kept_checks::found(&rules, &session, &input.dataset, options, &cancel).await?;
    let gate = Gate::new(session, options, cancel);
    let changes = changes(&gate, report, &checked).await?;
    rows::print_changes(&changes, true, args.format)?;
    Ok(Exit::Done)
}
