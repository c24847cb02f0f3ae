//! How much a model shall reason: which levels which family of models accepts, and what is asked for instead of others.

/// All levels in order. Endpoints may know further ones; those are sent as they are.
const LEVELS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Tokens left for the answer where a bound has to hold both thinking and answer.
const ANSWER_TOKENS_MIN: u64 = 4096;

/// Anthropic refuses smaller budgets.
const BUDGET_TOKENS_MIN: u64 = 1024;

/// The levels that a model accepts, judged by its name. Empty when it does not reason, `None` for a name that tells
/// nothing.
pub(crate) fn accepted(model: &str) -> Option<&'static [&'static str]> {
    let name = base_name(model);
    let has = |word: &str| name.contains(word);
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    Some(match name.as_str() {
        _ if starts(&["gpt-3", "gpt-4", "chatgpt", "o1-mini", "o1-preview"]) => &[],
        _ if starts(&["o1", "o3", "o4", "gpt-oss"]) => &["low", "medium", "high"],
        _ if !starts(&["gpt-5"]) => return None,
        _ if has("-chat") => &[],
        _ if has("-pro") && starts(&["gpt-5-"]) => &["high"],
        _ if has("-pro") => &["medium", "high", "xhigh"],
        _ if has("codex") && (starts(&["gpt-5-", "gpt-5.1-codex-mini"]) || name == "gpt-5.1-codex") => {
            &["low", "medium", "high"]
        }
        _ if has("codex") => &["low", "medium", "high", "xhigh"],
        _ if starts(&["gpt-5.1"]) => &["none", "low", "medium", "high"],
        _ if starts(&["gpt-5."]) => &["none", "low", "medium", "high", "xhigh"],
        _ => &["minimal", "low", "medium", "high"],
    })
}

/// What to ask for where a model accepts only some levels: the next one up, else the highest. `None` when it accepts none,
/// or when nothing is known of the level.
pub(crate) fn nearest(effort: &str, accepted: &[&str]) -> Option<String> {
    let rank = |level: &str| LEVELS.iter().position(|known| *known == level);
    let asked = rank(effort)?;
    let next_up = accepted.iter().find(|level| rank(level).is_some_and(|rank| rank >= asked));
    next_up.or(accepted.last()).map(|level| (*level).to_owned())
}

/// Whether a level is one of those whose order is known.
pub(crate) fn is_known(effort: &str) -> bool {
    LEVELS.contains(&effort)
}

/// The levels that a complaint lists as the ones to choose from, in order.
pub(crate) fn listed(complaint: &str) -> Vec<&'static str> {
    let openings = ["supported values", "supported levels", "allowed values", "valid values", "should be", "one of"];
    let text = complaint.to_ascii_lowercase();
    let Some((_, list)) = openings.iter().find_map(|opening| text.split_once(opening)) else {
        return Vec::new();
    };
    let words: Vec<&str> = list.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    LEVELS.into_iter().filter(|level| words.contains(level)).collect()
}

/// Whether a level means that the model shall not think before it speaks. Anthropic has nothing between that and `low`.
pub(crate) fn is_off(effort: &str) -> bool {
    matches!(effort, "none" | "minimal")
}

/// Tokens that Anthropic's models may think at a level.
pub(crate) fn budget_tokens(effort: &str) -> Option<u64> {
    match effort {
        "low" => Some(2048),
        "medium" => Some(8192),
        "high" => Some(16_384),
        "xhigh" | "max" => Some(32_768),
        _ => None,
    }
}

/// The largest part of a budget that leaves room for an answer within a bound; `None` when too little is left to think.
pub(crate) fn fitted_budget(budget: u64, max_tokens: u64) -> Option<u64> {
    let room = max_tokens.saturating_sub(ANSWER_TOKENS_MIN).max(max_tokens / 2);
    Some(budget.min(room)).filter(|budget| *budget >= BUDGET_TOKENS_MIN)
}

/// How a model of Anthropic's is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// With so many tokens: models up to Claude 4.6, and other servers that speak Anthropic's form.
    Budget,
    /// As it sees fit, at a level: later models, which refuse a budget.
    Adaptive,
    /// Not at all: models before Claude 3.7.
    Never,
}

impl Thinking {
    /// The way that a model is most likely told.
    pub(crate) fn of_model(model: &str) -> Self {
        let name = base_name(model);
        if !name.contains("claude") {
            return Self::Budget;
        }
        match claude_version(&name) {
            Some(version) if version < (3, 7) => Self::Never,
            Some(version) if version <= (4, 6) => Self::Budget,
            _ => Self::Adaptive,
        }
    }
}

/// Version in names such as `claude-3-7-sonnet-20250219`, `claude-opus-4-1` and `claude-sonnet-4.5`.
fn claude_version(name: &str) -> Option<(u64, u64)> {
    // A longer number is a date.
    let number = |part: &str| part.parse::<u64>().ok().filter(|_| part.len() <= 2);
    let mut parts = name.split(['-', '.', '@', ':']).skip_while(|part| number(part).is_none());
    let major = parts.next().and_then(number)?;
    Some((major, parts.next().and_then(number).unwrap_or(0)))
}

/// The name without its provider, as routers write it: `openai/gpt-5` is `gpt-5`.
fn base_name(model: &str) -> String {
    model.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_accept_their_levels() {
        let check = |model: &str, asked: &str, sent: Option<&str>| {
            let levels = accepted(model).unwrap();
            let got = if levels.contains(&asked) { Some(asked.to_owned()) } else { nearest(asked, levels) };
            assert_eq!(got.as_deref(), sent, "{model} {asked}");
        };
        check("gpt-5.4-mini", "xhigh", Some("xhigh"));
        check("gpt-5.4", "minimal", Some("low"));
        check("gpt-5.1-2025-11-13", "xhigh", Some("high"));
        check("gpt-5.1", "none", Some("none"));
        check("gpt-5-nano", "none", Some("minimal"));
        check("openai/gpt-5", "xhigh", Some("high"));
        check("gpt-5-pro", "low", Some("high"));
        check("gpt-5.4-pro", "low", Some("medium"));
        check("gpt-5-codex", "minimal", Some("low"));
        check("gpt-5.1-codex", "xhigh", Some("high"));
        check("gpt-5.1-codex-max", "xhigh", Some("xhigh"));
        check("gpt-5.3-codex", "none", Some("low"));
        check("o3", "xhigh", Some("high"));
        check("o4-mini", "none", Some("low"));
        check("gpt-oss-120b", "minimal", Some("low"));
        check("gpt-4.1", "low", None);
        check("gpt-5-chat-latest", "low", None);
        for unknown in ["qwen3", "claude-opus-5", "my-deployment", "ollama"] {
            assert_eq!(accepted(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn reads_the_levels_that_a_complaint_lists() {
        let check = |complaint: &str, expected: &[&str]| assert_eq!(listed(complaint), expected, "{complaint}");
        check(
            "'minimal' is not supported with 'x'. Supported values are: 'none', 'low', and 'high'.",
            &["none", "low", "high"],
        );
        check("Input should be 'low', 'medium' or 'high'", &["low", "medium", "high"]);
        check("no effort level 'xhigh'. Supported levels: high, low, max, medium.", &["low", "medium", "high", "max"]);
        check("Unknown parameter: reasoning_effort (maximum is low)", &[]);
        assert_eq!(nearest("xhigh", &["low", "medium", "high", "max"]).as_deref(), Some("max"));
    }

    #[test]
    fn claude_thinks_by_budget_or_as_it_sees_fit() {
        let check = |model: &str, thinking: Thinking| assert_eq!(Thinking::of_model(model), thinking, "{model}");
        check("claude-3-5-sonnet-20241022", Thinking::Never);
        check("claude-3-opus-20240229", Thinking::Never);
        check("claude-3-7-sonnet-latest", Thinking::Budget);
        check("claude-opus-4-20250514", Thinking::Budget);
        check("anthropic/claude-sonnet-4.5", Thinking::Budget);
        check("claude-sonnet-4-6", Thinking::Budget);
        check("claude-opus-4-7", Thinking::Adaptive);
        check("claude-sonnet-5-5-20261001", Thinking::Adaptive);
        check("claude-mythos-preview", Thinking::Adaptive);
        check("kimi-k2", Thinking::Budget);
    }

    #[test]
    fn a_budget_leaves_room_for_an_answer() {
        let check = |budget: u64, max: u64, expected: Option<u64>| {
            assert_eq!(fitted_budget(budget, max), expected, "{budget} within {max}");
        };
        check(8192, 24_576, Some(8192));
        check(32_768, 32_000, Some(27_904));
        check(8192, 4000, Some(2000));
        check(2048, 2000, None);
        check(2048, 0, None);
    }
}
