//! Where requests go and with which headers, and what of that may be shown.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::{LlmError, ModelApi, ModelOptions};

/// The version of Anthropic's form that this crate speaks.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// An address without user, password and query.
pub(crate) fn without_secrets(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Both fail only for addresses without a host, which have neither.
    if shown.set_username("").is_err() || shown.set_password(None).is_err() {
        return shown.scheme().to_owned();
    }
    shown.to_string()
}

/// The headers of every request. Those of the user take the place of ours.
pub(crate) fn build_headers(options: &ModelOptions) -> Result<HeaderMap, LlmError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let is_anthropic = options.api == ModelApi::AnthropicMessages;
    if is_anthropic {
        headers.insert("anthropic-version", HeaderValue::from_static(ANTHROPIC_VERSION));
    }
    let secret = |name: &str, value: &str| {
        let mut value = HeaderValue::from_str(value).map_err(|_| LlmError::Options {
            reason: format!("{name} holds a character that no HTTP header may hold"),
        })?;
        value.set_sensitive(true);
        Ok(value)
    };
    let authorized = options.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if let Some(key) = options.api_key.as_deref().map(str::trim).filter(|_| !authorized) {
        let (name, value) = if is_anthropic {
            (HeaderName::from_static("x-api-key"), key.to_owned())
        } else {
            (AUTHORIZATION, format!("Bearer {key}"))
        };
        headers.insert(name, secret("the API key", &value)?);
    }
    for (name, value) in &options.headers {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| LlmError::Options { reason: format!("`{name}` is no name of an HTTP header") })?;
        headers.insert(parsed, secret(&format!("the header `{name}`"), value)?);
    }
    Ok(headers)
}

/// An error of the HTTP client with its causes and without the address, which may hold secrets.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}
