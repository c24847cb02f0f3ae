//! An endpoint that takes OTLP over HTTP: its address, the headers for it, and what of that may be shown.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::TelemetryError;

/// Where the protocol has its traces.
const TRACES_PATH: &str = "/v1/traces";

/// Shorter pieces of a header are words such as "Key", and no secrets.
const SECRET_CHARS_MIN: usize = 4;

/// Characters of an endpoint's words that a report repeats.
const WORDS_CHARS_MAX: usize = 300;

/// Where spans are sent, and how patiently.
#[derive(Clone)]
pub struct OtlpOptions {
    /// Address of the endpoint, for example `http://localhost:4318`; `/v1/traces` is added unless its path ends so. A query is kept.
    pub url: String,
    /// Headers for each request, such as a key.
    pub headers: Vec<(String, String)>,
    /// For one request and its answer.
    pub timeout: Duration,
    /// How long the first span of a request waits for others.
    pub batch_wait: Duration,
    /// Before a request is sent the second time; doubles with each further one. An endpoint may ask for more.
    pub retry_wait: Duration,
    /// Spans that may wait to be sent; more are dropped.
    pub queue_max: usize,
    /// For sending what is left at the end.
    pub flush_max: Duration,
}

impl OtlpOptions {
    /// An endpoint without headers: ten seconds for a request, which waits a second for more spans, a quarter of a second before the
    /// first retry, 2,048 waiting spans, five seconds at the end.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            batch_wait: Duration::from_secs(1),
            retry_wait: Duration::from_millis(250),
            queue_max: 2_048,
            flush_max: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for OtlpOptions {
    /// Without the values of headers and without what an address may hide.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OtlpOptions")
            .field("url", &traces_url(&self.url).map(|url| shown(&url)).unwrap_or_default())
            .field("header_names", &names)
            .field("timeout", &self.timeout)
            .field("batch_wait", &self.batch_wait)
            .field("retry_wait", &self.retry_wait)
            .field("queue_max", &self.queue_max)
            .field("flush_max", &self.flush_max)
            .finish()
    }
}

/// Options made ready for requests.
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    /// The address as it may be shown.
    pub(crate) shown: String,
    pub(crate) headers: HeaderMap,
    /// Texts that no report may repeat.
    secrets: Vec<String>,
}

impl Endpoint {
    pub(crate) fn new(options: &OtlpOptions) -> Result<Self, TelemetryError> {
        let url = traces_url(&options.url)?;
        let headers = build_headers(&options.headers)?;
        let mut secrets: Vec<String> = options.headers.iter().flat_map(|(_, value)| secrets_of(value)).collect();
        let of_address = [Some(url.username()), url.password(), url.query()];
        secrets.extend(of_address.into_iter().flatten().flat_map(secrets_of));
        Ok(Self { shown: shown(&url), url, headers, secrets })
    }

    /// Somebody else's words made fit for a report: one line, bounded; nothing when they repeat a secret of the request.
    pub(crate) fn cleaned(&self, words: &str) -> String {
        let lower = words.to_lowercase();
        if self.secrets.iter().any(|secret| lower.contains(secret)) {
            return String::new();
        }
        let is_gap = |c: char| c.is_whitespace() || c.is_control();
        let line = words.split(is_gap).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(WORDS_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

/// The whole of a value, and its pieces, which an endpoint may repeat one by one. In lower case.
fn secrets_of(value: &str) -> Vec<String> {
    let value = value.trim().to_lowercase();
    let pieces = value.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '=' | '&'));
    let pieces =
        pieces.filter(|piece| piece.chars().count() >= SECRET_CHARS_MIN && !matches!(*piece, "bearer" | "basic"));
    let mut secrets: Vec<String> = pieces.map(str::to_owned).collect();
    if !value.is_empty() {
        secrets.push(value);
    }
    secrets
}

fn traces_url(text: &str) -> Result<Url, TelemetryError> {
    let wrong = |reason: &str| TelemetryError::Options { reason: reason.to_owned() };
    // The parser's words don't repeat the address, which may hold a password.
    let mut url = Url::parse(text.trim()).map_err(|error| wrong(&format!("the address is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("the address must begin with http:// or https://"));
    }
    let path = url.path().trim_end_matches('/');
    let path = if path.ends_with(TRACES_PATH) { path.to_owned() } else { format!("{path}{TRACES_PATH}") };
    url.set_path(&path);
    Ok(url)
}

/// The headers of every request. Those of the caller take the place of ours.
fn build_headers(given: &[(String, String)]) -> Result<HeaderMap, TelemetryError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in given {
        let parsed = HeaderName::from_bytes(name.trim().as_bytes());
        // Who confuses the two puts a secret where the name belongs.
        let parsed = parsed.map_err(|_| TelemetryError::Options {
            reason: "the name of a header holds a character that no name may hold".to_owned(),
        })?;
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| TelemetryError::Options {
            reason: format!("the header `{parsed}` holds a character that no HTTP header may hold"),
        })?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(headers)
}

/// An address without user, password and query.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Both fail only for addresses without a host, which have neither.
    if shown.set_username("").is_err() || shown.set_password(None).is_err() {
        return shown.scheme().to_owned();
    }
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_unless_it_is_there() {
        for (given, expected) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            (" http://localhost:4318/ ", "http://localhost:4318/v1/traces"),
            ("https://x.io/otel/", "https://x.io/otel/v1/traces"),
            ("https://x.io/otel/v1/traces", "https://x.io/otel/v1/traces"),
            ("https://x.io/v1/traces/?key=1", "https://x.io/v1/traces?key=1"),
        ] {
            assert_eq!(traces_url(given).unwrap().as_str(), expected, "{given}");
        }
    }

    #[test]
    fn what_makes_no_request_is_told_without_secrets() {
        let told = |url: &str, headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Endpoint::new(&OtlpOptions { headers, ..OtlpOptions::new(url) }).map(|_| ()).unwrap_err().to_string()
        };
        assert_eq!(
            told("localhost:4318", &[]),
            "cannot send telemetry: the address must begin with http:// or https://"
        );
        assert_eq!(told("http://u:hunter2@:1", &[]), "cannot send telemetry: the address is no URL: empty host");
        assert_eq!(
            told("http://x", &[("x-key", "hunter2\n3")]),
            "cannot send telemetry: the header `x-key` holds a character that no HTTP header may hold"
        );
        assert!(!told("http://x", &[("Bearer hunter2", "")]).contains("hunter2"));
    }

    #[test]
    fn nothing_shows_a_secret() {
        let mut options = OtlpOptions::new("https://user:passw0rd@x.io/otel?token=t0ken");
        options.headers = vec![("Authorization".into(), "Bearer S3cret".into()), ("x-key".into(), "k1".into())];
        let debug = format!("{options:?}");
        assert!(debug.contains("https://x.io/otel/v1/traces") && debug.contains("Authorization"), "{debug}");
        for secret in ["user", "passw0rd", "t0ken", "S3cret", "k1"] {
            assert!(!debug.contains(secret), "{debug}");
        }
        let endpoint = Endpoint::new(&options).unwrap();
        assert!(!format!("{:?}", endpoint.headers).contains("S3cret"));
        assert_eq!(endpoint.shown, "https://x.io/otel/v1/traces");
        assert_eq!(endpoint.cleaned("no  such\nproject"), "no such project");
        for words in ["bad key s3CRET", "is K1 right?", "t0ken is old", "passw0rd"] {
            assert_eq!(endpoint.cleaned(words), "", "{words}");
        }
        assert_eq!(endpoint.cleaned(&"é".repeat(400)).chars().count(), WORDS_CHARS_MAX + 1);
    }
}
