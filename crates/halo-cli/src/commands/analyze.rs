//! `halo analyze`: traces to a report, with the checks alone or with models as well; and `halo resume`, which goes on with it.

mod agents;
pub(crate) mod code_host;
mod endpoint;
pub(crate) mod kept_checks;
pub(crate) mod merge;
mod prices;
mod resume;
pub(crate) mod settings;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use halo_agent::{Models, RunHistory};
use halo_checks::{CheckOptions, CheckReport};
use halo_protocol::{Coverage, DatasetSummary, FORMAT_VERSION, Finding, Report, RunEnd, RunInfo, RunMode, Usage};
use halo_query::summary;
use tokio_util::sync::CancellationToken;

pub(crate) use self::resume::resume;
use self::settings::{ModelRun, RunSettings};
use crate::args::{AnalyzeArgs, Common, FailOn, ReportFormat};
use crate::exit::{Exit, Failure};
use crate::raw_input::{self, Input};
use crate::rules::Rules;
use crate::run_folder::RunFolder;
use crate::{interrupt, output};

/// Longest time of one check's query, and of one query that proves a claim.
const CHECK_TIME_MAX: Duration = Duration::from_secs(120);

/// How a run is shown, and when its exit code says that there are findings.
pub(crate) struct Show {
    pub(crate) format: Option<ReportFormat>,
    pub(crate) fail_on: Option<FailOn>,
}

/// Runs the command.
///
/// 1. Settle whether a model takes part. 2. Open the dataset, or read the traces into one. 3. Make the run's folder. 4. Do the work.
pub(crate) async fn run(args: &AnalyzeArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let started = Instant::now();
    let started_at = jiff::Timestamp::now();
    let model = ModelRun::of(args);
    let models = model.as_ref().map(|run| endpoint::models(run, &args.model.secrets)).transpose()?;
    let context = read_context(args)?;
    // What is wrong with them is told before the traces are read.
    Rules::read(args.rules.checks.as_deref(), None)?;
    let input = raw_input::open(&args.inputs, &args.rejects, common)?;
    let folder = RunFolder::create(args.out.as_deref(), &started_at)?;
    let settings = RunSettings {
        format_version: FORMAT_VERSION,
        halo_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: format!("{started_at:.0}"),
        inputs: args.inputs.clone(),
        dataset: std::path::absolute(input.dataset.root()).unwrap_or_else(|_| input.dataset.root().to_owned()),
        manifest: Some(input.dataset.manifest().clone()),
        prompt: args.prompt.clone(),
        checks: args.rules.checks.clone().map(absolute),
        outcome: args.rules.outcome.clone(),
        context,
        repo_path: args.repo_path.clone().map(absolute),
        telemetry: args.telemetry.clone(),
        model,
    };
    folder.write_settings(&settings)?;
    if models.is_none() && args.prompt.is_some() && !common.quiet {
        output::warning("a question needs a model: the checks look for the same faults whatever is asked");
    }
    if models.is_none() && !args.offline {
        output::note(common, "no key and no --model: the report comes from the built-in checks alone");
    }
    let show = Show { format: args.format, fail_on: args.fail_on };
    let job = Job { settings, models, input, folder, history: RunHistory::default(), started };
    work(job, &show, common).await
}

/// A path that means the same from everywhere.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// A run that is ready to begin, or to go on.
pub(crate) struct Job {
    pub(crate) settings: RunSettings,
    pub(crate) models: Option<Models>,
    pub(crate) input: Input,
    pub(crate) folder: RunFolder,
    pub(crate) history: RunHistory,
    pub(crate) started: Instant,
}

/// Does the work of a run: the checks, then the models, then findings in one order and the report.
async fn work(job: Job, show: &Show, common: &Common) -> Result<Exit, Failure> {
    let Job { settings, models, input, folder, history, started } = job;
    let rules = Rules::read(settings.checks.as_deref(), settings.outcome.as_deref())?;
    let cancel = interrupt::token();
    let session = rules.session(&input.dataset, common, &cancel).await?;
    let dataset = summary(&session).await?;
    let deadline = settings.model.as_ref().and_then(ModelRun::time_max).and_then(|time| started.checked_add(time));
    let options = CheckOptions { time_max: CHECK_TIME_MAX, deadline };
    let checks = kept_checks::found(&rules, &session, &input.dataset, options, &cancel).await?;
    let work = match (&settings.model, models) {
        (Some(model), Some(models)) => {
            let ground =
                agents::Ground { session: &session, checks: &checks, cancel: &cancel, folder: &folder, started };
            agents::run((&settings, model, models), history, (show, common), &ground).await?
        }
        _ => Work::of_checks(&folder, &settings, show, &checks)?,
    };
    let end = work.end.clone();
    let report = report(&settings, &input, Parts { dataset, checks, work, started });
    folder.write_report(&report)?;
    show_report(show, common, &folder, &report)?;
    Ok(exit((show, common), &folder, &report, &end))
}

/// What the user says about the dataset, from `--context FILE`.
fn read_context(args: &AnalyzeArgs) -> Result<Option<String>, Failure> {
    let Some(path) = &args.context else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Input, format!("cannot read `{}`: {error}", path.display())))?;
    Ok(Some(text))
}

/// What reading the traces gave beyond the checks.
pub(crate) struct Work {
    pub(crate) findings: Vec<Finding>,
    pub(crate) refused: Vec<halo_protocol::RefusedFinding>,
    pub(crate) answer: Option<String>,
    pub(crate) usage: Usage,
    /// 0 where no price is known.
    pub(crate) cost_usd: f64,
    pub(crate) end: RunEnd,
    pub(crate) traces_read: u64,
}

impl Work {
    /// The run of the checks alone, with the same log as any other.
    fn of_checks(
        folder: &RunFolder,
        settings: &RunSettings,
        show: &Show,
        checks: &CheckReport,
    ) -> Result<Self, Failure> {
        agents::log_checks(folder, settings.prompt.as_deref(), show.format, checks)?;
        Ok(Self {
            findings: checks.findings.clone(),
            refused: checks.refused.clone(),
            answer: None,
            usage: Usage::default(),
            cost_usd: 0.0,
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
}

fn report(settings: &RunSettings, input: &Input, parts: Parts) -> Report {
    let Parts { dataset, checks, work, started } = parts;
    let mut findings = work.findings;
    halo_report::rank(&mut findings, dataset.traces);
    let mode = settings.model.as_ref().map_or(RunMode::Offline, |run| RunMode::Model { model: run.model.clone() });
    Report {
        format_version: FORMAT_VERSION,
        run: RunInfo {
            halo_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: settings.started_at.clone(),
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            mode,
            prompt: settings.prompt.clone().filter(|_| settings.model.is_some()),
            input: input.name.clone(),
            end: work.end,
        },
        coverage: Coverage {
            traces_total: dataset.traces,
            traces_checked: dataset.traces,
            traces_read: work.traces_read,
            // What a model found besides is not counted in.
            traces_hit: findings.iter().all(Finding::is_of_check).then_some(checks.traces_hit),
            checks: checks.outcomes,
        },
        dataset,
        answer: work.answer,
        findings,
        refused: work.refused,
        usage: work.usage,
        cost_usd: Some(work.cost_usd).filter(|cost| *cost > 0.0),
        queries: Vec::new(),
    }
}

/// Prints the summary, or what `--format` asks for, and names the files.
fn show_report(show: &Show, common: &Common, folder: &RunFolder, report: &Report) -> Result<(), Failure> {
    match show.format {
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
pub(crate) fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0).clamp(60, 140))
}

fn exit((show, common): (&Show, &Common), folder: &RunFolder, report: &Report, end: &RunEnd) -> Exit {
    let resumed = format!("`halo resume {}` goes on from here", folder.root().display());
    match end {
        RunEnd::Failed { error } => {
            output::error(&Failure::new(Exit::Model, error.as_str()).hint(resumed));
            return Exit::Model;
        }
        RunEnd::Interrupted => {
            output::note(common, &resumed);
            return Exit::Interrupted;
        }
        RunEnd::TurnLimit => {
            output::warning(&format!(
                "the model used up its turns before it was done; {resumed} with more --max-turns"
            ));
            return Exit::Budget;
        }
        RunEnd::BudgetSpent { limit } => {
            let flag = match limit.as_str() {
                "tokens" => "--max-tokens",
                "money" => "--max-cost",
                _ => "--max-time",
            };
            output::warning(&format!(
                "the budget of {limit} was spent before the run was done; {resumed} with more {flag}"
            ));
            return Exit::Budget;
        }
        RunEnd::Complete => {}
    }
    let Some(limit) = show.fail_on.map(FailOn::severity) else {
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
