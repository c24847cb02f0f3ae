//! The part of an analysis that models do, and the event log of both kinds.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use halo_agent::{AgentError, AgentIdentity, EventSink, Models, RunHistory, RunServices, ToolFactory};
use halo_checks::{CheckOptions, CheckReport, Gate};
use halo_protocol::{AgentOutcome, EventKind, FORMAT_VERSION, RunEnd, Usage};
use halo_query::TraceSession;
use halo_repo::{Repo, RepoLimits};
use halo_tool::{CodeSource, ToolContext, ToolRegistry, clip_middle};

use super::settings::{ModelRun, RunSettings};
use super::{CHECK_TIME_MAX, Cancel, Show, Work, code_host, merge};
use crate::args::{Common, ReportFormat};
use crate::exit::{Exit, Failure};
use crate::live::LiveView;
use crate::run_folder::{EVENTS, RESULTS, RunFolder, TABLES};
use crate::{output, telemetry};

/// Lines of the overview in the first request, and characters of each.
const OVERVIEW_LINES: usize = 1;
const OVERVIEW_LINE_CHARS_MAX: usize = 200;

/// What a run of models stands on.
pub(super) struct Ground<'a> {
    pub(super) session: &'a TraceSession,
    pub(super) checks: &'a CheckReport,
    pub(super) cancel: &'a Cancel,
    pub(super) folder: &'a RunFolder,
    /// When the program began.
    pub(super) started: Instant,
}

/// Lets the models work and gives what came of it, the checks' findings included.
///
/// The steps: open log, tables and code; tell what is known of the dataset; run the agents, or go on with them; merge what they found with what
/// the checks found.
pub(super) async fn run(
    (settings, model, models): (&RunSettings, &ModelRun, Models),
    history: RunHistory,
    (show, common): (&Show, &Common),
    ground: &Ground<'_>,
) -> Result<Work, Failure> {
    let Ground { session, checks, cancel, folder, started } = *ground;
    let sink = event_sink(folder, &history)?;
    let live = watch(&sink, show, common, model);
    let telemetry = telemetry::observe(&sink, settings, folder)?;
    session.keep_saved_in(&folder.file(TABLES))?;
    let options = CheckOptions { time_max: CHECK_TIME_MAX, deadline: None };
    let gate = Arc::new(Gate::new(session.clone(), options, cancel.clone()));
    let (mut tools, code) = tools(session, settings.repo_path.as_deref())?;
    tools.extend(&halo_checks::tools(&gate));
    let overview = format!("{}\n{}", in_short(&overview(&tools, cancel).await?), told_checks(checks));
    let mut options = model.options(settings.prompt.as_deref(), overview);
    // Reading the traces and the checks took part of the time that the user gives.
    options.limits.time = options.limits.time.map(|time| time.saturating_sub(started.elapsed()));
    options.dataset_context.clone_from(&settings.context);
    options.results_folder = Some(folder.file(RESULTS));
    options.known_findings.clone_from(&checks.findings);
    let services = RunServices {
        models,
        tools: tools.clone(),
        asking_tools: Some(asking_tools(session, &tools)),
        tables: Some(halo_query::data_tables(session.clone())),
        gate,
        code,
        sink: sink.clone(),
        cancel: cancel.clone(),
    };
    let result = Box::pin(halo_agent::resume(options, services, history)).await;
    drop(live);
    telemetry.finish().await;
    if let Some(failure) = sink.failure() {
        output::warning(&format!("the event log is incomplete: {failure}"));
    }
    let findings = merge::findings(session, result.findings, &checks.findings, cancel).await;
    let mut refused = result.refused;
    refused.extend(checks.refused.iter().cloned());
    Ok(Work {
        findings,
        refused,
        answer: Some(result.answer),
        usage: result.usage,
        cost_usd: result.cost_usd,
        end: result.end,
        traces_read: result.traces_read.len() as u64,
    })
}

/// The log of the run, new or gone on with.
fn event_sink(folder: &RunFolder, history: &RunHistory) -> Result<EventSink, Failure> {
    let path = folder.file(EVENTS);
    let sink = if history.is_resumed() { EventSink::resume(&path, history) } else { EventSink::create(&path) };
    sink.map_err(log_failure)
}

fn log_failure(error: AgentError) -> Failure {
    Failure::new(Exit::Input, error.to_string())
}

/// Shows what happens, in the way that was asked for.
fn watch(sink: &EventSink, show: &Show, common: &Common, model: &ModelRun) -> Option<LiveView> {
    if show.format == Some(ReportFormat::Events) {
        print_events(sink);
        None
    } else if common.quiet {
        None
    } else {
        Some(LiveView::start(sink, &model.options(None, String::new()).limits))
    }
}

/// Tools over the dataset, and over the code of the harness where that is named.
fn tools(
    session: &TraceSession,
    repo_path: Option<&Path>,
) -> Result<(ToolRegistry, Option<Arc<dyn CodeSource>>), Failure> {
    let mut tools = halo_query::tools(session.clone());
    let Some(path) = repo_path else {
        return Ok((tools, None));
    };
    let limits = RepoLimits { search_path: crate::folders::search_path(), ..RepoLimits::default() };
    let repo = Repo::open(path, limits).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    if let Some(why) = repo.git_missing() {
        output::warning(&format!("the history of `{}` can't be read: {why}", path.display()));
    }
    tools.extend(&halo_repo::tools(repo.clone()));
    Ok((tools, Some(halo_repo::code_source(repo))))
}

/// Tools that ask a model themselves: Python, with the tools over the dataset as functions.
fn asking_tools(session: &TraceSession, tools: &ToolRegistry) -> ToolFactory {
    let (session, tools) = (session.clone(), tools.clone());
    Arc::new(move |side| code_host::tools(&session, &tools, side))
}

/// The head of the overview: what there is. Errors, differences and traces to begin with are told by the tool when it is asked, so that each
/// request of the run does not carry them.
fn in_short(overview: &str) -> String {
    let head = overview.lines().take(OVERVIEW_LINES);
    head.map(|line| clip_middle(line, OVERVIEW_LINE_CHARS_MAX)).collect::<Vec<_>>().join("\n")
}

/// What the dataset holds, as the tool of this name tells a model.
async fn overview(tools: &ToolRegistry, cancel: &Cancel) -> Result<String, Failure> {
    let context = ToolContext { cancel: cancel.clone(), agent_id: "root".into(), tool_call_id: "overview".into() };
    match tools.call("get_dataset_overview", "{}", &context).await {
        Ok(overview) => Ok(overview.text),
        // The agents end at once, too, and the report holds what the checks found.
        Err(_) if cancel.is_cancelled() => Ok(String::new()),
        Err(error) => Err(Failure::new(Exit::Bug, format!("cannot give an overview of the dataset: {error}"))),
    }
}

/// How much the checks found; `list_findings` tells what.
fn told_checks(checks: &CheckReport) -> String {
    match checks.findings.len() {
        0 => "Built-in checks found no systemic fault.".to_owned(),
        found => format!(
            "Built-in checks found {}; they are in the report.",
            output::counted(found as u64, "systemic fault")
        ),
    }
}

/// Prints every event as a line of JSON on stdout.
fn print_events(sink: &EventSink) {
    sink.observe(|event| {
        // A reader that went away does not end the run, which costs money: log and report are still written.
        if let Ok(line) = serde_json::to_string(event) {
            let _unwritten = output::try_stdout(&(line + "\n"));
        }
    });
}

/// The log of a run without a model: what was found and what was refused.
pub(super) fn log_checks(
    folder: &RunFolder,
    prompt: Option<&str>,
    format: Option<ReportFormat>,
    checks: &CheckReport,
) -> Result<(), Failure> {
    let sink = EventSink::create(&folder.file(EVENTS)).map_err(log_failure)?;
    if format == Some(ReportFormat::Events) {
        print_events(&sink);
    }
    let agent = AgentIdentity { id: "checks".into(), name: "checks".into(), ..AgentIdentity::root() };
    let started = EventKind::RunStarted {
        format_version: FORMAT_VERSION,
        model: String::new(),
        prompt: prompt.unwrap_or_default().to_owned(),
    };
    sink.emit(&agent, started);
    sink.emit(&agent, EventKind::AgentStarted { max_turns: 0, task: String::new() });
    for finding in &checks.findings {
        sink.emit(&agent, EventKind::FindingAccepted { finding: Box::new(finding.clone()) });
    }
    for refused in &checks.refused {
        let (title, reason) = (refused.title.clone(), refused.reason.clone());
        sink.emit(&agent, EventKind::FindingRefused { title, reason });
    }
    for failed in checks.outcomes.iter().filter_map(|check| Some((check, check.error.as_ref()?))) {
        sink.emit(&agent, EventKind::Notice { text: format!("check {}: {}", failed.0.name, failed.1) });
    }
    sink.emit(&agent, EventKind::AgentFinished { outcome: AgentOutcome::Answered, usage: Usage::default() });
    let finished = EventKind::RunFinished { end: RunEnd::Complete, answer: String::new(), usage: Usage::default() };
    sink.emit(&agent, finished);
    sink.failure().map_or(Ok(()), |failure| Err(Failure::new(Exit::Input, failure)))
}
