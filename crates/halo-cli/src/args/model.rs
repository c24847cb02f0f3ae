//! Flags of the model and of what a run may spend. Names and defaults are HALO's where HALO has them.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::Value;

/// The models and their limits.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArgs {
    /// Model of the agents [default with a key: gpt-5.4-mini]
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Model of the subagents [default: --model]
    #[arg(long, value_name = "MODEL")]
    pub(crate) subagent_model: Option<String>,
    /// Model that answers questions about single rows, and those of the model's own code [default: --subagent-model]
    #[arg(long, value_name = "MODEL")]
    pub(crate) row_model: Option<String>,
    /// Model that reads several traces at once [default: --subagent-model]
    #[arg(long, value_name = "MODEL")]
    pub(crate) synthesis_model: Option<String>,
    /// Model that sums up old parts of long conversations [default: --row-model]
    #[arg(long, value_name = "MODEL")]
    pub(crate) compaction_model: Option<String>,
    /// Address of the models' endpoint: OpenAI's, Anthropic's, or one that is compatible, up to and with /v1
    #[arg(long, value_name = "URL", env = "OPENAI_BASE_URL", hide_env_values = true)]
    pub(crate) base_url: Option<String>,
    /// Form that the endpoint speaks [default: told by the address]
    #[arg(long, value_name = "API")]
    pub(crate) api: Option<Api>,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// A field for the body of each request, as `NAME=JSON`; may be repeated
    #[arg(long = "body", value_name = "FIELD", value_parser = parse_field)]
    pub(crate) body: Vec<(String, Value)>,
    /// Levels of subagents below the root agent
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=10))]
    pub(crate) max_depth: u32,
    /// Model requests at the same time, and tool calls at the same time
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_parallel: u16,
    /// Sampling temperature, 0 to 2
    #[arg(long, value_name = "T", value_parser = parse_temperature)]
    pub(crate) temperature: Option<f64>,
    /// Longest reply in tokens
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_output_tokens: Option<u64>,
    /// Tokens that the requests of an agent may grow to; older parts are folded and summed up
    #[arg(long, value_name = "TOKENS", default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(4_000..))]
    pub(crate) max_context: u32,
    /// Let the model call several tools at once
    #[arg(long, overrides_with = "no_parallel_tool_calls")]
    pub(crate) parallel_tool_calls: bool,
    /// Have the model call one tool at a time
    #[arg(long)]
    pub(crate) no_parallel_tool_calls: bool,
    /// How often to ask again when the model refuses
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) refusal_retries: u32,
    /// Reasoning effort asked of the model
    #[arg(long, value_name = "EFFORT")]
    pub(crate) reasoning_effort: Option<ReasoningEffort>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// What is never written down.
#[derive(Debug, Clone, Args)]
pub(crate) struct SecretArgs {
    /// Key for the endpoint
    #[arg(long, value_name = "KEY", env = "OPENAI_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Key for Anthropic's own endpoint, taken when that is asked
    #[arg(long, hide = true, value_name = "KEY", env = "ANTHROPIC_API_KEY", hide_env_values = true)]
    pub(crate) anthropic_api_key: Option<String>,
    /// A header for the endpoint, as `NAME: VALUE`; may be repeated
    // Taken apart later: an error of the parser here would repeat the value, which may be a key.
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
}

/// What a run may spend. A resumed run may be given more.
#[derive(Debug, Clone, Args)]
pub(crate) struct LimitArgs {
    /// Turns each agent may take [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_turns: Option<u32>,
    /// Tokens that all requests together may take
    #[arg(long, value_name = "N", value_parser = parse_tokens)]
    pub(crate) max_tokens: Option<u64>,
    /// US dollars that the run may cost
    #[arg(long, value_name = "USD", value_parser = parse_money)]
    pub(crate) max_cost: Option<f64>,
    /// Time that the run may take, such as 90s, 30m or 2h
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) max_time: Option<Duration>,
    /// Price of a model in US dollars for a million tokens, as `MODEL=INPUT/CACHED/OUTPUT`; may be repeated
    #[arg(long = "price", value_name = "PRICE", value_parser = parse_price)]
    pub(crate) prices: Vec<(String, [f64; 3])>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Api {
    /// Chat completions
    Chat,
    /// OpenAI's Responses API
    Responses,
    /// Anthropic's Messages API
    Anthropic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReasoningEffort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
}

fn parse_temperature(text: &str) -> Result<f64, String> {
    let temperature = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.0..=2.0).contains(&temperature) { Ok(temperature) } else { Err("not within 0 and 2".to_owned()) }
}

/// A number of tokens, also as 500k or 2M.
fn parse_tokens(text: &str) -> Result<u64, String> {
    let text = text.trim().replace(['_', ','], "");
    let (digits, factor) = match text.chars().last() {
        Some('k' | 'K') => (&text[..text.len() - 1], 1_000.0),
        Some('m' | 'M') => (&text[..text.len() - 1], 1_000_000.0),
        _ => (text.as_str(), 1.0),
    };
    let number: f64 = digits.parse().map_err(|_| "write a number such as 500000, 500k or 2M".to_owned())?;
    let tokens = number * factor;
    if !(1.0..=1e15).contains(&tokens) {
        return Err("not a number of tokens".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds above")]
    Ok(tokens as u64)
}

fn parse_money(text: &str) -> Result<f64, String> {
    let text = text.trim().trim_start_matches('$');
    match text.parse::<f64>() {
        Ok(money) if money > 0.0 && money.is_finite() => Ok(money),
        _ => Err("write US dollars such as 2.50".to_owned()),
    }
}

/// A time such as 90s, 30m, 1h30m; a bare number is seconds.
fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 90s, 30m or 2h".to_owned();
    let mut time = Duration::ZERO;
    let mut digits = String::new();
    for c in text.trim().chars() {
        let unit = match c {
            '0'..='9' | '.' => {
                digits.push(c);
                continue;
            }
            's' => 1.0,
            'm' => 60.0,
            'h' => 3_600.0,
            _ => return Err(wrong()),
        };
        let number: f64 = std::mem::take(&mut digits).parse().map_err(|_| wrong())?;
        time += Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())?;
    }
    if !digits.is_empty() {
        let number: f64 = digits.parse().map_err(|_| wrong())?;
        time += Duration::try_from_secs_f64(number).map_err(|_| wrong())?;
    }
    if time.is_zero() { Err(wrong()) } else { Ok(time) }
}

fn parse_price(text: &str) -> Result<(String, [f64; 3]), String> {
    let wrong = || "write it as MODEL=INPUT/CACHED/OUTPUT, such as my-model=0.75/0.075/4.50".to_owned();
    // Names of models may hold `=` no more than prices do; the last one parts them.
    let (model, prices) = text.rsplit_once('=').ok_or_else(wrong)?;
    let numbers: Vec<f64> = prices
        .split('/')
        .map(|price| price.trim().parse::<f64>().ok().filter(|price| *price >= 0.0 && price.is_finite()))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    match (model.trim(), numbers.as_slice()) {
        ("", _) => Err(wrong()),
        (model, [input, cached, output]) => Ok((model.to_owned(), [*input, *cached, *output])),
        (model, [input, output]) => Ok((model.to_owned(), [*input, *input, *output])),
        _ => Err(wrong()),
    }
}

fn parse_field(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=JSON, such as top_p=0.9")?;
    if name.trim().is_empty() {
        return Err("write it as NAME=JSON, such as top_p=0.9".to_owned());
    }
    // A bare word is a text: nobody quotes twice in a shell.
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_as_people_write_them() {
        assert_eq!(parse_tokens("500k"), Ok(500_000));
        assert_eq!(parse_tokens("1.5M"), Ok(1_500_000));
        assert_eq!(parse_tokens("12_000"), Ok(12_000));
        assert_eq!(parse_money("$2.50"), Ok(2.5));
        assert_eq!(parse_time("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_time("1h30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse_time("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(parse_price("a=b=1/0.1/2"), Ok(("a=b".to_owned(), [1.0, 0.1, 2.0])));
        assert_eq!(parse_price("m=1/2"), Ok(("m".to_owned(), [1.0, 1.0, 2.0])));
        assert_eq!(parse_field("top_p=0.9"), Ok(("top_p".to_owned(), json!(0.9))));
        assert_eq!(parse_field("tier=flex"), Ok(("tier".to_owned(), json!("flex"))));
        for wrong in ["", "x", "-1", "0", "1e99", "5x"] {
            assert!(parse_tokens(wrong).is_err() && parse_time(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "m", "=1/2/3", "m=1", "m=1/2/3/4", "m=-1/2/3", "m=a/b/c"] {
            assert!(parse_price(wrong).is_err(), "{wrong}");
        }
        assert!(parse_money("free").is_err() && parse_field("no").is_err() && parse_field("=1").is_err());
    }
}
