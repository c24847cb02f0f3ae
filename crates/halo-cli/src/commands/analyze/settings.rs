//! What a run was asked to do: everything but secrets, as `run.json` keeps it and `halo resume` reads it.

use std::path::PathBuf;
use std::time::Duration;

use halo_agent::{AgentOptions, Limits};
use halo_dataset::Manifest;
use halo_llm::ModelApi;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::args::{AnalyzeArgs, Api, LimitArgs, ModelArgs, ReasoningEffort};

/// HALO's defaults.
const DEFAULT_MODEL: &str = "gpt-5.4-mini";
const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";
const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com/v1";
const DEFAULT_MAX_TURNS: u32 = 20;

/// The settings of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunSettings {
    pub(crate) format_version: u32,
    pub(crate) halo_version: String,
    pub(crate) started_at: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) dataset: PathBuf,
    /// What the dataset was made of then; `None` in what older versions wrote.
    #[serde(default)]
    pub(crate) manifest: Option<Manifest>,
    pub(crate) prompt: Option<String>,
    /// What the dataset's owner says about it.
    pub(crate) context: Option<String>,
    pub(crate) repo_path: Option<PathBuf>,
    /// Folder of the user's own checks.
    #[serde(default)]
    pub(crate) checks: Option<PathBuf>,
    /// How runs ended, as the user says it in SQL.
    #[serde(default)]
    pub(crate) outcome: Option<String>,
    /// Where halo's own spans go: a file, an address, or empty for the run's folder.
    #[serde(serialize_with = "telemetry_without_secrets")]
    pub(crate) telemetry: Option<String>,
    /// `None` when no model takes part.
    pub(crate) model: Option<ModelRun>,
}

/// The part of the settings that is about models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelRun {
    pub(crate) model: String,
    pub(crate) subagent_model: String,
    pub(crate) row_model: String,
    pub(crate) synthesis_model: String,
    pub(crate) compaction_model: String,
    /// Written down without user, password and keys.
    #[serde(serialize_with = "without_secrets")]
    pub(crate) base_url: String,
    pub(crate) api: String,
    pub(crate) body: Map<String, Value>,
    pub(crate) temperature: Option<f64>,
    pub(crate) max_output_tokens: Option<u64>,
    pub(crate) reasoning_effort: Option<String>,
    pub(crate) parallel_tool_calls: Option<bool>,
    pub(crate) max_depth: u32,
    pub(crate) max_turns: u32,
    pub(crate) max_parallel: usize,
    pub(crate) max_context: usize,
    pub(crate) refusal_retries: u32,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) max_cost: Option<f64>,
    pub(crate) max_time_s: Option<f64>,
    /// Prices that the user named, by model: input, cached input, output.
    pub(crate) prices: Vec<(String, [f64; 3])>,
}

impl ModelRun {
    /// What the user's flags and environment come to; `None` when no model takes part.
    pub(crate) fn of(args: &AnalyzeArgs) -> Option<Self> {
        let flags = &args.model;
        let key = flags.secrets.api_key.as_deref().filter(|key| !key.trim().is_empty());
        if args.offline || (flags.model.is_none() && key.is_none()) {
            return None;
        }
        let model = flags.model.clone().unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        let base_url = base_url(flags, &model);
        let api = flags.api.map_or_else(|| ModelApi::guess(&base_url, &model), api_of);
        let subagent_model = flags.subagent_model.clone().unwrap_or_else(|| model.clone());
        let row_model = flags.row_model.clone().unwrap_or_else(|| subagent_model.clone());
        let limits = &flags.limits;
        Some(Self {
            synthesis_model: flags.synthesis_model.clone().unwrap_or_else(|| subagent_model.clone()),
            compaction_model: flags.compaction_model.clone().unwrap_or_else(|| row_model.clone()),
            subagent_model,
            row_model,
            model,
            base_url,
            api: api_name(api).to_owned(),
            body: flags.body.iter().cloned().collect(),
            temperature: flags.temperature,
            max_output_tokens: flags.max_output_tokens,
            reasoning_effort: flags.reasoning_effort.map(|effort| effort_name(effort).to_owned()),
            parallel_tool_calls: flags.no_parallel_tool_calls.then_some(false),
            max_depth: flags.max_depth,
            max_turns: limits.max_turns.unwrap_or(DEFAULT_MAX_TURNS),
            max_parallel: usize::from(flags.max_parallel),
            max_context: usize::try_from(flags.max_context).unwrap_or(usize::MAX),
            refusal_retries: flags.refusal_retries,
            max_tokens: limits.max_tokens,
            max_cost: limits.max_cost,
            max_time_s: limits.max_time.map(|time| time.as_secs_f64()),
            prices: limits.prices.clone(),
        })
    }

    /// Longest wall time of the run.
    pub(crate) fn time_max(&self) -> Option<Duration> {
        self.max_time_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// Takes the limits that a resumed run is given in place of those it had.
    pub(crate) fn with_limits(mut self, limits: &LimitArgs) -> Self {
        self.max_turns = limits.max_turns.unwrap_or(self.max_turns);
        self.max_tokens = limits.max_tokens.or(self.max_tokens);
        self.max_cost = limits.max_cost.or(self.max_cost);
        self.max_time_s = limits.max_time.map(|time| time.as_secs_f64()).or(self.max_time_s);
        self.prices.splice(..0, limits.prices.iter().cloned());
        self
    }

    /// The wire form of the endpoint.
    pub(crate) fn api(&self) -> ModelApi {
        let named = [ModelApi::ChatCompletions, ModelApi::Responses, ModelApi::AnthropicMessages];
        let named = named.into_iter().find(|api| api_name(*api) == self.api);
        named.unwrap_or_else(|| ModelApi::guess(&self.base_url, &self.model))
    }

    /// Names of all models, each once.
    pub(crate) fn models(&self) -> Vec<&str> {
        let all = [&self.model, &self.subagent_model, &self.row_model, &self.synthesis_model, &self.compaction_model];
        let mut models: Vec<&str> = Vec::new();
        for model in all {
            if !models.contains(&model.as_str()) {
                models.push(model);
            }
        }
        models
    }

    /// The same for the agents.
    pub(crate) fn options(&self, prompt: Option<&str>, overview: String) -> AgentOptions {
        AgentOptions {
            max_depth: self.max_depth,
            max_turns: self.max_turns,
            max_parallel: self.max_parallel,
            max_context: self.max_context,
            output_tokens_max: self.max_output_tokens,
            limits: Limits { tokens: self.max_tokens, cost_usd: self.max_cost, time: self.time_max() },
            refusal_retries: self.refusal_retries,
            ..AgentOptions::new(prompt.unwrap_or_default(), overview)
        }
    }
}

/// The address that the flags name, or that of the provider whose model and key are there.
fn base_url(flags: &ModelArgs, model: &str) -> String {
    if let Some(url) = flags.base_url.as_deref().filter(|url| !url.trim().is_empty()) {
        return url.trim().to_owned();
    }
    let is_anthropic = flags.api == Some(Api::Anthropic)
        || (flags.api.is_none() && model.starts_with("claude") && flags.secrets.anthropic_api_key.is_some());
    if is_anthropic { ANTHROPIC_BASE_URL } else { DEFAULT_BASE_URL }.to_owned()
}

fn without_secrets<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&stripped(url))
}

#[expect(clippy::ref_option, reason = "the form that serde wants")]
fn telemetry_without_secrets<S: Serializer>(target: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let shown =
        target.as_deref().map(|target| if target.contains("://") { stripped(target) } else { target.to_owned() });
    shown.serialize(serializer)
}

/// An address without user and password, and without what its query calls a key, token, secret or signature.
fn stripped(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let is_secret = |field: &&str| {
        let name = field.split('=').next().unwrap_or_default().to_ascii_lowercase();
        ["key", "token", "secret", "sig", "password"].iter().any(|word| name.contains(word))
    };
    let query: Vec<&str> =
        query.into_iter().flat_map(|query| query.split('&')).filter(|field| !is_secret(field)).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    if scheme.is_empty() { format!("{host}{path}{query}") } else { format!("{scheme}://{host}{path}{query}") }
}

fn api_of(api: Api) -> ModelApi {
    match api {
        Api::Chat => ModelApi::ChatCompletions,
        Api::Responses => ModelApi::Responses,
        Api::Anthropic => ModelApi::AnthropicMessages,
    }
}

fn api_name(api: ModelApi) -> &'static str {
    match api {
        ModelApi::ChatCompletions => "chat",
        ModelApi::Responses => "responses",
        ModelApi::AnthropicMessages => "anthropic",
    }
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

#[cfg(test)]
mod tests {
    use super::stripped;

    #[test]
    fn addresses_are_written_down_without_secrets() {
        for (url, expected) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("https://me:pass@x.example/v1?api-version=2&api-key=abc", "https://x.example/v1?api-version=2"),
            ("http://a@b@c/v1?sig=1", "http://c/v1"),
            ("localhost:80/v1", "localhost:80/v1"),
        ] {
            assert_eq!(stripped(url), expected);
        }
    }
}
