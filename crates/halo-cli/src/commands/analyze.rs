//! `halo analyze`: traces to a report, with the checks alone or with a model as well.

mod merge;
mod model;

use std::time::{Duration, Instant};

use halo_checks::{CheckOptions, CheckReport, run_checks};
use halo_protocol::{Coverage, DatasetSummary, FORMAT_VERSION, Finding, Report, RunEnd, RunInfo, RunMode, Usage};
use halo_query::{TraceSession, summary};
use tokio_util::sync::CancellationToken;

use self::model::ModelSettings;
use crate::args::{AnalyzeArgs, Common, ReportFormat};
use crate::commands::sql::session_options;
use crate::exit::{Exit, Failure};
use crate::raw_input::{self, Input};
use crate::run_folder::{RunFolder, RunSettings};
use crate::{interrupt, output};

/// Longest time of one check's query, and of one query that proves a claim.
const CHECK_TIME_MAX: Duration = Duration::from_secs(120);

/// Runs the command.
///
/// 1. Settle whether a model takes part. 2. Open the dataset, or read the traces into one. 3. Run the checks. 4. Let the model work.
/// 5. Put the findings into one order and write the report.
pub(crate) async fn run(args: &AnalyzeArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let started = Instant::now();
    let started_at = jiff::Timestamp::now();
    let model = ModelSettings::of(args)?;
    let context = model::read_context(args)?;
    let input = raw_input::open(&args.inputs, &args.rejects, common)?;
    let folder = RunFolder::create(args.out.as_deref(), &started_at)?;
    let started_text = format!("{started_at:.0}");
    folder.write_settings(&settings(args, &input, model.as_ref(), &started_text))?;
    if model.is_none() && args.prompt.is_some() && !common.quiet {
        output::warning("a question needs a model: the checks look for the same faults whatever is asked");
    }
    if model.is_none() && !args.offline {
        output::note(common, "no key and no --model: the report comes from the built-in checks alone");
    }

    let cancel = interrupt::token();
    let session = TraceSession::open(&input.dataset, session_options(common)).await?;
    let dataset = summary(&session).await?;
    let checks = run_checks(&session, CheckOptions { time_max: CHECK_TIME_MAX }, &cancel).await?;
    let work = match &model {
        None => Work::of_checks(&folder, args, &checks)?,
        Some(settings) => {
            let ground =
                model::Ground { session: &session, checks: &checks, context: context.as_deref(), cancel: &cancel };
            model::run(settings, args, common, &ground, &folder).await?
        }
    };
    let end = work.end.clone();
    let report =
        report(args, &input, model.as_ref(), Parts { dataset, checks, work, started, started_at: started_text });
    folder.write_report(&report)?;
    show(args, common, &folder, &report)?;
    Ok(exit(args, common, &report, &end))
}

/// What reading the traces gave beyond the checks.
pub(crate) struct Work {
    pub(crate) findings: Vec<Finding>,
    pub(crate) refused: Vec<halo_protocol::RefusedFinding>,
    pub(crate) answer: Option<String>,
    pub(crate) usage: Usage,
    pub(crate) end: RunEnd,
    pub(crate) traces_read: u64,
}

impl Work {
    /// The run of the checks alone, with the same log as any other.
    fn of_checks(folder: &RunFolder, args: &AnalyzeArgs, checks: &CheckReport) -> Result<Self, Failure> {
        model::log_checks(folder, args, checks)?;
        Ok(Self {
            findings: checks.findings.clone(),
            refused: checks.refused.clone(),
            answer: None,
            usage: Usage::default(),
            end: RunEnd::Complete,
            traces_read: 0,
        })
    }
}

struct Parts {
    dataset: DatasetSummary,
    checks: CheckReport,
    work: Work,
    started: Instant,
    started_at: String,
}

fn report(args: &AnalyzeArgs, input: &Input, model: Option<&ModelSettings>, parts: Parts) -> Report {
    let Parts { dataset, checks, work, started, started_at } = parts;
    let mut findings = work.findings;
    halo_report::rank(&mut findings, dataset.traces);
    let mode = model.map_or(RunMode::Offline, |settings| RunMode::Model { model: settings.model.clone() });
    Report {
        format_version: FORMAT_VERSION,
        run: RunInfo {
            halo_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at,
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            mode,
            prompt: args.prompt.clone().filter(|_| model.is_some()),
            input: input.name.clone(),
            end: work.end,
        },
        coverage: Coverage {
            traces_total: dataset.traces,
            traces_checked: dataset.traces,
            traces_read: work.traces_read,
            checks: checks.outcomes,
        },
        dataset,
        answer: work.answer,
        findings,
        refused: work.refused,
        usage: work.usage,
        queries: Vec::new(),
    }
}

fn settings<'a>(
    args: &'a AnalyzeArgs,
    input: &'a Input,
    model: Option<&'a ModelSettings>,
    started_at: &'a str,
) -> RunSettings<'a> {
    RunSettings {
        format_version: FORMAT_VERSION,
        halo_version: env!("CARGO_PKG_VERSION"),
        started_at,
        inputs: &args.inputs,
        dataset: input.dataset.root(),
        prompt: args.prompt.as_deref(),
        model: model.map(|settings| settings.model.as_str()),
        endpoint: model.map(|settings| settings.client.endpoint()),
        max_turns: model.map(|_| args.model.max_turns),
    }
}

/// Prints the summary, or what `--format` asks for, and names the files.
fn show(args: &AnalyzeArgs, common: &Common, folder: &RunFolder, report: &Report) -> Result<(), Failure> {
    match args.format {
        Some(ReportFormat::Markdown) => output::stdout(&halo_report::markdown(report))?,
        Some(ReportFormat::Html) => output::stdout(&halo_report::html(report))?,
        Some(ReportFormat::Json) => output::stdout(&halo_report::json(report))?,
        // Printed as they happened.
        Some(ReportFormat::Events) => {}
        None if common.quiet => {}
        None => {
            let summary = halo_report::summary(report, terminal_width());
            let files =
                [("read", "report.html"), ("or", "report.md"), ("data", "report.json"), ("log", "events.jsonl")];
            let lines: Vec<String> =
                files.iter().map(|(word, name)| format!("  {word:<5} {}", folder.file(name).display())).collect();
            return output::stdout(&format!("{}\n\n{}\n", summary.trim_end(), lines.join("\n")));
        }
    }
    output::note(common, &format!("report: {}", folder.file("report.html").display()));
    Ok(())
}

/// Columns of the terminal; 100 where there is none.
fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0).clamp(60, 140))
}

fn exit(args: &AnalyzeArgs, common: &Common, report: &Report, end: &RunEnd) -> Exit {
    match end {
        RunEnd::Failed { error } => {
            output::error(&Failure::new(Exit::Model, error.as_str()));
            return Exit::Model;
        }
        RunEnd::Interrupted => return Exit::Interrupted,
        RunEnd::TurnLimit => {
            output::warning(&format!(
                "the model used up its {} before it was done; --max-turns allows more",
                output::counted(u64::from(args.model.max_turns), "turn")
            ));
            return Exit::Budget;
        }
        RunEnd::Complete => {}
    }
    let Some(limit) = args.fail_on.map(crate::args::FailOn::severity) else {
        return Exit::Done;
    };
    let reached = report.findings.iter().filter(|finding| finding.severity >= limit).count() as u64;
    let failed = report.coverage.checks.iter().filter(|check| check.error.is_some()).count() as u64;
    if reached == 0 && failed > 0 {
        // What was not looked at has not passed.
        output::warning(&format!("--fail-on {}: {} could not run", limit.as_str(), output::counted(failed, "check")));
        return Exit::Gate;
    }
    if reached == 0 {
        return Exit::Done;
    }
    output::note(common, &format!("--fail-on {}: {}", limit.as_str(), output::counted(reached, "finding")));
    Exit::Gate
}

/// The token that ends queries and model requests.
pub(crate) type Cancel = CancellationToken;
