//! The models of a run: from settings and secrets to clients.

use std::sync::Arc;

use halo_agent::{Models, PricedModel};
use halo_llm::{ModelClient, ModelOptions, RetryPolicy, Timeouts};

use super::prices;
use super::settings::ModelRun;
use crate::args::SecretArgs;
use crate::exit::{Exit, Failure};

/// The models of a run.
///
/// # Errors
/// There is no key where one is needed, a header is none, an address is malformed, or money is limited and a price unknown.
pub(super) fn models(run: &ModelRun, secrets: &SecretArgs) -> Result<Models, Failure> {
    let headers = secrets.headers.iter().map(|header| parse_header(header)).collect::<Result<Vec<_>, _>>()?;
    let key = key(run, secrets);
    let authorized = headers.iter().any(|(name, _)| is_credential(name));
    if key.is_none() && !authorized && !is_local(&run.base_url) {
        return Err(Failure::new(Exit::Usage, "there is no API key for the model's endpoint")
            .hint("set OPENAI_API_KEY, give --api-key, name a local endpoint with --base-url, or use --offline"));
    }
    let unpriced = run.models().into_iter().find(|model| prices::of(model, &run.prices).is_none());
    if let Some(model) = unpriced.filter(|_| run.max_cost.is_some()) {
        return Err(Failure::new(Exit::Usage, format!("--max-cost needs the price of `{model}`, which is not known"))
            .hint(format!("give it as --price '{model}=INPUT/CACHED/OUTPUT', in US dollars for a million tokens")));
    }
    let client = |model: &str| -> Result<PricedModel, Failure> {
        let client = ModelClient::new(ModelOptions {
            base_url: run.base_url.clone(),
            api: run.api(),
            api_key: key.clone(),
            headers: headers.clone(),
            extra_body: run.body.clone(),
            model: model.to_owned(),
            temperature: run.temperature,
            max_output_tokens: run.max_output_tokens,
            reasoning_effort: run.reasoning_effort.clone(),
            parallel_tool_calls: run.parallel_tool_calls,
            timeouts: Timeouts::standard(),
            retry: RetryPolicy::standard(),
        })?;
        Ok(PricedModel { model: Arc::new(client), price: prices::of(model, &run.prices) })
    };
    Ok(Models {
        root: client(&run.model)?,
        subagents: client(&run.subagent_model)?,
        rows: client(&run.row_model)?,
        synthesis: client(&run.synthesis_model)?,
        compaction: client(&run.compaction_model)?,
    })
}

/// The key for the endpoint: Anthropic's own for Anthropic's host, else what the user gave.
fn key(run: &ModelRun, secrets: &SecretArgs) -> Option<String> {
    let anthropic = run.base_url.starts_with("https://api.anthropic.com");
    let named = secrets.anthropic_api_key.as_ref().filter(|_| anthropic);
    named.or(secrets.api_key.as_ref()).filter(|key| !key.trim().is_empty()).cloned()
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
