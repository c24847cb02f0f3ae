//! Where endpoints and models differ: what is asked how, and what a complaint changes about it.

use crate::effort::{self, Thinking};
use crate::{ModelApi, ModelOptions};

/// The spellings that endpoints differ in, and what of the user's settings a model accepts. Begins with what is known of
/// the model's family and changes when an endpoint complains, always towards less, so that it comes to rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The form in use.
    pub(crate) api: ModelApi,
    /// Whether usage is asked for with `stream_options`.
    pub(crate) stream_options: bool,
    /// Whether the bound of a reply is `max_completion_tokens`, and not the older `max_tokens`.
    pub(crate) max_completion_tokens: bool,
    /// Whether the user's temperature is sent.
    pub(crate) temperature: bool,
    /// Whether the schema of the reply is sent.
    pub(crate) output_schema: bool,
    /// Whether reasoning is asked for in encrypted form, to be sent back.
    pub(crate) encrypted_reasoning: bool,
    /// Reasoning effort in a word that the model accepts.
    pub(crate) effort: Option<String>,
    /// How Anthropic's form says it.
    pub(crate) thinking: Thinking,
    /// Whether that was changed already.
    thinking_settled: bool,
    /// The most that `max_tokens` may be, once Anthropic's form has said so.
    pub(crate) max_tokens_max: Option<u64>,
}

/// A refusal, in the words that matter here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    pub(crate) message: &'a str,
    /// Code, type and parameter, in lower case.
    pub(crate) code: &'a str,
}

impl Dialect {
    /// The dialect to begin with, and what to tell about it when the user's settings do not fit the model.
    pub(crate) fn of(options: &ModelOptions) -> (Self, Option<String>) {
        let (effort, note) = match options.api {
            ModelApi::AnthropicMessages => anthropic_effort(options),
            ModelApi::ChatCompletions | ModelApi::Responses => accepted_effort(options),
        };
        let dialect = Self {
            api: options.api,
            stream_options: true,
            max_completion_tokens: true,
            temperature: true,
            output_schema: true,
            encrypted_reasoning: true,
            effort,
            thinking: Thinking::of_model(&options.model),
            thinking_settled: false,
            max_tokens_max: None,
        };
        (dialect, note)
    }

    /// Temperature to send.
    pub(crate) fn temperature(&self, options: &ModelOptions) -> Option<f64> {
        options.temperature.filter(|_| self.temperature)
    }

    /// The dialect to try next after a refusal, and what to tell about it. `None` when the complaint is about nothing that
    /// has a second spelling, or about a setting of the user's that the model would take with another value.
    pub(crate) fn after_complaint(&self, options: &ModelOptions, refusal: Refusal<'_>) -> Option<(Self, String)> {
        let about = format!("{} {}", refusal.message.to_ascii_lowercase(), refusal.code);
        let is_chat = self.api == ModelApi::ChatCompletions;
        let wants_responses = about.contains("/responses") || about.contains("responses api");
        if is_chat && wants_responses && matches!(refusal.status, 400 | 404 | 405 | 422) {
            let note = "the endpoint wants this asked with its Responses API; asking with that";
            return Some((Self { api: ModelApi::Responses, ..self.clone() }, note.to_owned()));
        }
        if !matches!(refusal.status, 400 | 422) {
            return None;
        }
        self.without_field(options, &about)
            .or_else(|| self.with_other_effort(&about))
            .or_else(|| self.with_smaller_bound(options, &about))
    }

    /// After a complaint about a field that can be left out or spelled in another way.
    fn without_field(&self, options: &ModelOptions, about: &str) -> Option<(Self, String)> {
        let has = |words: &[&str]| words.iter().any(|word| about.contains(word));
        let is_chat = self.api == ModelApi::ChatCompletions;
        let mut next = self.clone();
        let note = if is_chat && self.stream_options && has(&["stream_options", "include_usage"]) {
            next.stream_options = false;
            "the endpoint does not know stream_options; asking without usage"
        } else if is_chat && self.max_completion_tokens && has(&["max_completion_tokens"]) {
            next.max_completion_tokens = false;
            "the endpoint does not know max_completion_tokens; asking with max_tokens"
        } else if self.temperature(options).is_some() && refuses_temperature(about) {
            next.temperature = false;
            "the model takes no temperature here; asking without"
        } else if self.output_schema && has(&["response_format", "json_schema", "text.format", "structured output"]) {
            next.output_schema = false;
            "the endpoint can't hold the model to a JSON schema; asking without"
        } else if self.encrypted_reasoning && has(&["encrypted_content", "encrypted content"]) {
            next.encrypted_reasoning = false;
            "the endpoint does not give the model's reasoning back; asking without"
        } else {
            return None;
        };
        Some((next, note.to_owned()))
    }

    /// After a complaint about the reasoning effort.
    fn with_other_effort(&self, about: &str) -> Option<(Self, String)> {
        let effort = self.effort.as_deref()?;
        let is_anthropic = self.api == ModelApi::AnthropicMessages;
        let words: &[&str] = if is_anthropic {
            &["effort", "thinking", "budget_tokens"]
        } else {
            &["effort", "'reasoning'", "support thinking", "think value"]
        };
        if !words.iter().any(|word| about.contains(word)) {
            return None;
        }
        let listed = effort::listed(about);
        if !listed.is_empty() && !listed.contains(&effort) {
            let next = Self { effort: effort::nearest(effort, &listed), ..self.clone() };
            let note = told_effort(effort, next.effort.as_deref());
            return Some((next, note));
        }
        let thinks = is_anthropic && !effort::is_off(effort);
        if thinks && !self.thinking_settled {
            let (thinking, note) = match self.thinking {
                Thinking::Budget => {
                    (Thinking::Adaptive, "the model takes no thinking budget; asking with a level of effort")
                }
                _ => (Thinking::Budget, "the model takes no level of effort; asking with a thinking budget"),
            };
            return Some((Self { thinking, thinking_settled: true, ..self.clone() }, note.to_owned()));
        }
        Some((Self { effort: None, ..self.clone() }, told_effort(effort, None)))
    }

    /// After the complaint that Anthropic's form has to name a smaller bound, where the user has set none.
    fn with_smaller_bound(&self, options: &ModelOptions, about: &str) -> Option<(Self, String)> {
        if self.api != ModelApi::AnthropicMessages
            || options.max_output_tokens.is_some()
            || !about.contains("max_tokens")
        {
            return None;
        }
        let (_, after) = about.split_once('>')?;
        let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
        let max: u64 = digits.parse().ok()?;
        let is_smaller = max > 0 && self.max_tokens_max.is_none_or(|known| max < known);
        let note = format!("the model's replies have at most {max} tokens; asking for that");
        is_smaller.then(|| (Self { max_tokens_max: Some(max), ..self.clone() }, note))
    }
}

/// The effort that a family accepts in place of the user's.
fn accepted_effort(options: &ModelOptions) -> (Option<String>, Option<String>) {
    let Some(asked) = options.reasoning_effort.as_deref() else {
        return (None, None);
    };
    match effort::accepted(&options.model) {
        Some(levels) if !levels.contains(&asked) && effort::is_known(asked) => {
            let sent = effort::nearest(asked, levels);
            // A model that never reasons does what was asked for.
            let note = (sent.is_some() || asked != "none").then(|| told_effort(asked, sent.as_deref()));
            (sent, note)
        }
        _ => (Some(asked.to_owned()), None),
    }
}

/// The same for Anthropic's form, where most levels are a number of tokens.
fn anthropic_effort(options: &ModelOptions) -> (Option<String>, Option<String>) {
    let Some(asked) = options.reasoning_effort.as_deref() else {
        return (None, None);
    };
    let budget = effort::budget_tokens(asked);
    let thinking = Thinking::of_model(&options.model);
    if budget.is_none() && !effort::is_off(asked) || budget.is_some() && thinking == Thinking::Never {
        return (None, Some(told_effort(asked, None)));
    }
    let note = match (budget, options.max_output_tokens, thinking) {
        (Some(budget), Some(max), Thinking::Budget) => match effort::fitted_budget(budget, max) {
            Some(fitted) if fitted == budget => None,
            Some(fitted) => Some(format!(
                "a reply of at most {max} tokens has no room for {budget} tokens of thinking; asking for {fitted}"
            )),
            None => Some(format!("a reply of at most {max} tokens has no room for thinking; asking without")),
        },
        _ => None,
    };
    (Some(asked.to_owned()), note)
}

fn told_effort(asked: &str, sent: Option<&str>) -> String {
    match sent {
        Some(sent) => format!("the model does not know the reasoning effort {asked}; asking with {sent}"),
        None => format!("the model does not take the reasoning effort {asked}; asking without"),
    }
}

/// Whether a complaint says that a model takes no temperature, and not that this one is out of range: that is the user's to
/// mend.
fn refuses_temperature(about: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| about.contains(word));
    about.contains("temperature")
        && has(&["support", "deprecated", "not allowed", "not permitted", "only", "must be 1 "])
        && !has(&["between", "range", "maximum", "minimum", "less than", "greater than"])
}

#[cfg(test)]
mod tests;
