//! The part of an analysis that a model does, and the event log of both kinds.

use std::sync::Arc;

use halo_agent::{AgentIdentity, AgentOptions, EventSink, RunServices};
use halo_checks::{CheckOptions, CheckReport, Gate};
use halo_llm::{ModelApi, ModelClient, ModelOptions, RetryPolicy, Timeouts};
use halo_protocol::{AgentOutcome, EventKind, FORMAT_VERSION, RunEnd, Usage};
use halo_query::TraceSession;
use halo_tool::ToolContext;

use super::{CHECK_TIME_MAX, Cancel, Work, merge};
use crate::args::{AnalyzeArgs, Common, ReasoningEffort, ReportFormat};
use crate::exit::{Exit, Failure};
use crate::run_folder::RunFolder;
use crate::{live, output};

/// HALO's default.
const DEFAULT_MODEL: &str = "gpt-5.4-mini";
const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";

/// Characters of one token, roughly, in trace text and JSON.
const CHARS_PER_TOKEN: usize = 4;

/// A model that takes part.
pub(crate) struct ModelSettings {
    pub(crate) model: String,
    pub(crate) client: ModelClient,
}

impl ModelSettings {
    /// The model that the user's flags and environment come to; `None` when none takes part.
    pub(crate) fn of(args: &AnalyzeArgs) -> Result<Option<Self>, Failure> {
        let flags = &args.model;
        let key = flags.api_key.clone().filter(|key| !key.trim().is_empty());
        if args.offline || (flags.model.is_none() && key.is_none()) {
            return Ok(None);
        }
        let base_url = flags.base_url.clone().unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        let headers = flags.headers.iter().map(|header| parse_header(header)).collect::<Result<Vec<_>, _>>()?;
        let authorized = headers.iter().any(|(name, _)| is_credential(name));
        if key.is_none() && !authorized && !is_local(&base_url) {
            return Err(Failure::new(Exit::Usage, "there is no API key for the model's endpoint")
                .hint("set OPENAI_API_KEY, give --api-key, name a local endpoint with --base-url, or use --offline"));
        }
        let model = flags.model.clone().unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        let client = ModelClient::new(ModelOptions {
            api: ModelApi::guess(&base_url, &model),
            base_url,
            api_key: key,
            headers,
            model: model.clone(),
            temperature: flags.temperature,
            max_output_tokens: flags.max_output_tokens,
            reasoning_effort: flags.reasoning_effort.map(|effort| effort_name(effort).to_owned()),
            parallel_tool_calls: flags.no_parallel_tool_calls.then_some(false),
            extra_body: serde_json::Map::new(),
            timeouts: Timeouts::standard(),
            retry: RetryPolicy::standard(),
        })?;
        Ok(Some(Self { model, client }))
    }
}

/// `NAME: VALUE`. An error does not repeat the text: it may hold a key.
fn parse_header(text: &str) -> Result<(String, String), Failure> {
    let wrong = || {
        Failure::new(Exit::Usage, "a --header is no header")
            .hint("write it as 'NAME: VALUE', with a name without blanks, such as -H 'X-Team: search'")
    };
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(wrong());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn is_credential(header: &str) -> bool {
    ["authorization", "api-key", "x-api-key"].iter().any(|name| header.eq_ignore_ascii_case(name))
}

fn effort_name(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None => "none",
        ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::Xhigh => "xhigh",
    }
}

/// Whether an address is on this machine or in its private network, where endpoints need no key.
fn is_local(base_url: &str) -> bool {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit('@').next().unwrap_or_default();
    let host = match host_port.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host_port.split(':').next().unwrap_or_default(),
    };
    if host.eq_ignore_ascii_case("localhost") || host.ends_with(".localhost") || host.ends_with(".local") {
        return true;
    }
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_unspecified(),
        Ok(std::net::IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unspecified() || address.is_unique_local()
        }
        // A bare name, such as a container's, is no public host.
        Err(_) => !host.is_empty() && !host.contains('.'),
    }
}

/// What the user says about the dataset, from `--context FILE`.
pub(crate) fn read_context(args: &AnalyzeArgs) -> Result<Option<String>, Failure> {
    let Some(path) = &args.context else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Input, format!("cannot read `{}`: {error}", path.display())))?;
    Ok(Some(text))
}

/// What a model run stands on.
pub(crate) struct Ground<'a> {
    pub(crate) session: &'a TraceSession,
    pub(crate) checks: &'a CheckReport,
    pub(crate) context: Option<&'a str>,
    pub(crate) cancel: &'a Cancel,
}

/// Lets the model work and gives what came of it, the checks' findings included.
pub(crate) async fn run(
    settings: &ModelSettings,
    args: &AnalyzeArgs,
    common: &Common,
    ground: &Ground<'_>,
    folder: &RunFolder,
) -> Result<Work, Failure> {
    let sink = event_sink(folder)?;
    if args.format == Some(ReportFormat::Events) {
        print_events(&sink);
    } else if !common.quiet {
        sink.observe(|event| {
            if let Some(line) = live::line(event) {
                output::line(&line);
            }
        });
    }
    let tools = halo_query::tools(ground.session.clone());
    let gate = Gate::new(ground.session.clone(), CheckOptions { time_max: CHECK_TIME_MAX }, ground.cancel.clone());
    let context =
        ToolContext { cancel: ground.cancel.clone(), agent_id: "root".into(), tool_call_id: "overview".into() };
    let overview = match tools.call("get_dataset_overview", "{}", &context).await {
        Ok(overview) => overview.text,
        Err(error) => {
            return Err(Failure::new(Exit::Bug, format!("cannot give an overview of the dataset: {error}")));
        }
    };
    let max_context_chars =
        usize::try_from(args.model.max_context).unwrap_or(usize::MAX).saturating_mul(CHARS_PER_TOKEN);
    let options = AgentOptions {
        prompt: args.prompt.clone().unwrap_or_default(),
        dataset_overview: format!("{overview}\n\n{}", told_checks(ground.checks)),
        dataset_context: ground.context.map(str::to_owned),
        max_turns: args.model.max_turns,
        max_parallel: usize::from(args.model.max_parallel),
        max_context_chars,
        // One result never fills more than an eighth of the conversation.
        tool_result_chars_max: (max_context_chars / 8).min(30_000),
        refusal_retries: args.model.refusal_retries,
    };
    let services = RunServices {
        client: settings.client.clone(),
        tools,
        gate: Arc::new(gate),
        sink: sink.clone(),
        cancel: ground.cancel.clone(),
    };
    let result = halo_agent::run(options, services).await;
    if let Some(failure) = sink.failure() {
        output::warning(&format!("the event log is incomplete: {failure}"));
    }
    let findings = merge::findings(ground.session, result.findings, &ground.checks.findings, ground.cancel).await;
    let mut refused = result.refused;
    refused.extend(ground.checks.refused.iter().cloned());
    Ok(Work {
        findings,
        refused,
        answer: Some(result.answer),
        usage: result.usage,
        end: result.end,
        traces_read: result.traces_read.len() as u64,
    })
}

/// What the checks found, for the model: it need not find these again, and can look for their causes.
fn told_checks(checks: &CheckReport) -> String {
    if checks.findings.is_empty() {
        return "Built-in checks: none found a systemic fault.".to_owned();
    }
    let mut text = String::from(
        "Built-in checks have already found these; they are in the report. Look for their causes and for what no check can see. \
         Report one again only when you know more, with the same traces: yours then takes its place.\n",
    );
    for finding in &checks.findings {
        let interval = finding.scope.first().map(|scope| format!(", mostly {} = {}", scope.key, scope.value));
        text.push_str(&format!(
            "- [{}] {}: {} of {} traces{}\n",
            finding.severity.as_str(),
            finding.title,
            finding.affected,
            finding.population,
            interval.unwrap_or_default()
        ));
    }
    text
}

fn event_sink(folder: &RunFolder) -> Result<EventSink, Failure> {
    EventSink::create(&folder.file("events.jsonl")).map_err(|error| Failure::new(Exit::Input, error.to_string()))
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
pub(crate) fn log_checks(folder: &RunFolder, args: &AnalyzeArgs, checks: &CheckReport) -> Result<(), Failure> {
    let sink = event_sink(folder)?;
    if args.format == Some(ReportFormat::Events) {
        print_events(&sink);
    }
    let agent = AgentIdentity { id: "checks".into(), name: "checks".into(), ..AgentIdentity::root() };
    let started = EventKind::RunStarted {
        format_version: FORMAT_VERSION,
        model: String::new(),
        prompt: args.prompt.clone().unwrap_or_default(),
    };
    sink.emit(&agent, started);
    sink.emit(&agent, EventKind::AgentStarted { max_turns: 0 });
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

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn endpoints_that_need_no_key() {
        for url in [
            "http://localhost:8000/v1",
            "http://127.0.0.1/v1",
            "http://[::1]:8080/v1",
            "http://192.168.1.5:11434/v1",
            "http://ollama:11434/v1",
            "http://box.local/v1",
        ] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "https://api.openai.com/v1",
            "http://8.8.8.8/v1",
            "https://localhost.example.com/v1",
            "http://localhost@evil.example/v1",
            "",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }
}
