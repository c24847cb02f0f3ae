//! The client: one request sent as often as it takes, and what happens on the way told to the caller.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use halo_protocol::Usage;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::assemble::Assembly;
use crate::failure::{Complaint, Failure};
use crate::request::{Dialect, build_body};
use crate::retry::{parse_retry_after, random_fraction};
use crate::stream::read_reply;
use crate::{LlmError, ModelOptions, ModelReply, ModelRequest};

/// Characters of an endpoint's words that an error repeats.
const WORDS_CHARS_MAX: usize = 500;

/// What happens while a reply is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// A request is about to be sent.
    Sending {
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Size of its body in bytes.
        bytes: usize,
    },
    /// A piece of text came in.
    TextDelta {
        /// The piece.
        text: String,
    },
    /// An attempt failed; text that came in with it does not count. The next follows after the wait.
    Retry {
        /// Number of the attempt that failed, from 1.
        attempt: u32,
        /// What went wrong.
        error: String,
        /// Pause before the next attempt.
        wait: Duration,
    },
    /// The endpoint speaks another dialect; the request is sent again in that one.
    Adapted {
        /// What changed.
        note: String,
    },
}

/// A model behind an OpenAI-compatible endpoint. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct ModelClient {
    inner: Arc<Inner>,
}

struct Inner {
    options: ModelOptions,
    url: Url,
    /// The address as it may be shown.
    shown: String,
    headers: HeaderMap,
    http: reqwest::Client,
    dialect: Mutex<Dialect>,
}

impl ModelClient {
    /// A client for the model that the options name. Sends nothing yet.
    ///
    /// # Errors
    /// [`LlmError::Options`] when the address or a header is malformed.
    pub fn new(options: ModelOptions) -> Result<Self, LlmError> {
        let url = completions_url(&options.base_url)?;
        let headers = build_headers(&options)?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(options.timeouts.connect)
            // A redirect would carry keys in headers to another host, and turns a POST into a GET.
            .redirect(reqwest::redirect::Policy::none());
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| LlmError::Options { reason: describe(error) })?;
        Ok(Self {
            inner: Arc::new(Inner {
                shown: without_secrets(&url),
                options,
                url,
                headers,
                http,
                dialect: Mutex::new(Dialect::OPENAI),
            }),
        })
    }

    /// Name of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.inner.options.model
    }

    /// Address requests go to, without user, password and query.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.inner.shown
    }

    /// Asks the model and waits for the whole reply; `on_event` is told what happens until then.
    ///
    /// 1. build the body; 2. send it and read the reply; 3. where the endpoint speaks another dialect, change to that;
    /// 4. where the failure may pass, wait and begin again; 5. else give up with an error.
    ///
    /// # Errors
    /// [`LlmError`]: refused, too long, unavailable after every attempt, or cancelled, at once when `cancel` fires.
    pub async fn stream(
        &self,
        request: ModelRequest<'_>,
        mut on_event: impl FnMut(ModelEvent) + Send,
        cancel: &CancellationToken,
    ) -> Result<ModelReply, LlmError> {
        let asking = Box::pin(self.ask(request, &mut on_event));
        cancel.run_until_cancelled(asking).await.unwrap_or(Err(LlmError::Cancelled))
    }

    async fn ask(
        &self,
        request: ModelRequest<'_>,
        on_event: &mut (impl FnMut(ModelEvent) + Send),
    ) -> Result<ModelReply, LlmError> {
        let inner = &*self.inner;
        let mut attempt = 1;
        loop {
            let dialect = inner.dialect();
            let body = build_body(&inner.options, &request, dialect)
                .map_err(|error| LlmError::Options { reason: error.to_string() })?;
            let bytes_sent = body.len();
            on_event(ModelEvent::Sending { attempt, bytes: bytes_sent });
            let (error, retry_after) = match inner.attempt(body, on_event).await {
                Ok(assembly) => {
                    return Ok(finish_reply(assembly, request.messages.len(), bytes_sent, attempt));
                }
                Err(Failure::ContextLength { message }) => {
                    return Err(LlmError::ContextLength { url: inner.shown.clone(), message: inner.cleaned(&message) });
                }
                Err(Failure::Refused { status, message }) => {
                    if let Some((next, note)) = dialect.after_complaint(&message)
                        && matches!(status, 400 | 422)
                    {
                        inner.set_dialect(next);
                        on_event(ModelEvent::Adapted { note: note.to_owned() });
                        continue;
                    }
                    return Err(LlmError::Refused {
                        url: inner.shown.clone(),
                        status,
                        message: inner.cleaned(&message),
                    });
                }
                Err(Failure::Passing { error, retry_after }) => (inner.cleaned(&error), retry_after),
            };
            if attempt >= inner.options.retry.attempts_max {
                return Err(LlmError::Unavailable { url: inner.shown.clone(), attempts: attempt, last: error });
            }
            let wait = inner.options.retry.wait(attempt, retry_after, random_fraction());
            on_event(ModelEvent::Retry { attempt, error, wait });
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }
}

impl std::fmt::Debug for ModelClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelClient")
            .field("endpoint", &self.inner.shown)
            .field("options", &self.inner.options)
            .finish()
    }
}

impl Inner {
    /// One request and its answer.
    async fn attempt(
        &self,
        body: Vec<u8>,
        on_event: &mut (impl FnMut(ModelEvent) + Send),
    ) -> Result<Assembly, Failure> {
        let timeouts = &self.options.timeouts;
        let sending = self.http.post(self.url.clone()).headers(self.headers.clone()).body(body).send();
        let response = match timeout(timeouts.response, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                return Err(Failure::passing(format!("the request did not get through: {}", describe(error))));
            }
            Err(_) => {
                let seconds = timeouts.response.as_secs_f64();
                return Err(Failure::passing(format!("it did not answer within {seconds} s")));
            }
        };
        if !response.status().is_success() {
            return Err(refusal(response, timeouts.idle).await);
        }
        read_reply(response, timeouts.idle, |text| {
            on_event(ModelEvent::TextDelta { text });
        })
        .await
    }

    fn dialect(&self) -> Dialect {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_dialect(&self, dialect: Dialect) {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner) = dialect;
    }

    /// Somebody else's words made fit for an error: one line, bounded, and without the request's secrets, which some
    /// endpoints repeat.
    fn cleaned(&self, words: &str) -> String {
        let mut words = words.to_owned();
        let header_values = self.options.headers.iter().map(|(_, value)| value);
        for secret in self.options.api_key.iter().chain(header_values) {
            let secret = secret.trim().trim_start_matches("Bearer ").trim_start_matches("Basic ");
            // Shorter values are ordinary words, and no keys.
            if secret.len() >= 6 {
                words = words.replace(secret, "[secret]");
            }
        }
        let line = words
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        match line.char_indices().nth(WORDS_CHARS_MAX) {
            Some((end, _)) => format!("{} …", &line[..end]),
            None => line,
        }
    }
}

/// What a status other than success stands for.
async fn refusal(mut response: Response, idle: Duration) -> Failure {
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header(RETRY_AFTER).and_then(|value| parse_retry_after(value, jiff::Timestamp::now()));
    let location =
        header(reqwest::header::LOCATION).and_then(|value| Url::parse(value).ok()).map(|url| without_secrets(&url));
    let mut body = Vec::new();
    // The status alone decides; a body that breaks off or goes on for ever only shortens the message.
    while body.len() < 64 << 10 {
        match timeout(idle.min(Duration::from_secs(10)), response.chunk()).await {
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
            _ => break,
        }
    }
    let mut complaint = Complaint::of_body(&String::from_utf8_lossy(&body));
    if let Some(location) = location {
        complaint.message = format!("it redirects to {location}");
    }
    Failure::of_status(status, complaint, retry_after)
}

fn finish_reply(mut assembly: Assembly, turn: usize, bytes_sent: usize, attempts: u32) -> ModelReply {
    ModelReply {
        tool_calls: assembly.take_calls(turn),
        content: assembly.content,
        finish_reason: assembly.finish_reason,
        refusal: Some(assembly.refusal).filter(|refusal| !refusal.is_empty()),
        usage: Usage { requests: 1, ..assembly.usage },
        bytes_sent,
        attempts,
    }
}

/// The address of chat completions under a base URL. A query, as some clouds need it, stays behind the path.
fn completions_url(base_url: &str) -> Result<Url, LlmError> {
    let malformed = |reason: &str| LlmError::Options {
        reason: format!("the base URL {reason}; an example is https://api.openai.com/v1"),
    };
    let mut url = Url::parse(base_url.trim()).map_err(|error| malformed(&format!("is malformed: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(malformed("does not begin with http:// or https:// and a host"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/chat/completions") {
        url.set_path(&format!("{path}/chat/completions"));
    }
    Ok(url)
}

fn without_secrets(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Both fail only for addresses without a host, which have neither.
    if shown.set_username("").is_err() || shown.set_password(None).is_err() {
        return shown.scheme().to_owned();
    }
    shown.to_string()
}

fn build_headers(options: &ModelOptions) -> Result<HeaderMap, LlmError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let secret = |name: &str, value: &str| {
        let mut value = HeaderValue::from_str(value).map_err(|_| LlmError::Options {
            reason: format!("{name} holds a character that no HTTP header may hold"),
        })?;
        value.set_sensitive(true);
        Ok(value)
    };
    if let Some(key) = &options.api_key {
        let key = format!("Bearer {}", key.trim());
        headers.insert(AUTHORIZATION, secret("the API key", &key)?);
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
