//! The client: one request sent as often as it takes, and what happens on the way told to the caller.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use halo_protocol::Usage;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, Url};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::dialect::{Dialect, Refusal};
use crate::endpoint::{build_headers, describe, without_secrets};
use crate::failure::{Complaint, Failure};
use crate::retry::{parse_retry_after, random_fraction};
use crate::stream::read_reply;
use crate::wire::{Assemble, Assembled, build_body};
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
    /// The endpoint or the model takes something else than what was asked for; the request is sent in that form. Told once
    /// a client, not once a request.
    Adapted {
        /// What changed.
        note: String,
    },
}

/// A model behind an endpoint. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct ModelClient {
    inner: Arc<Inner>,
}

struct Inner {
    options: ModelOptions,
    /// The first address as it may be shown.
    shown: String,
    headers: HeaderMap,
    http: reqwest::Client,
    state: Mutex<State>,
}

/// What the client has learned.
#[derive(Clone)]
struct State {
    dialect: Dialect,
    url: Url,
    /// What to tell with the next request.
    note: Option<String>,
}

impl ModelClient {
    /// A client for the model that the options name. Sends nothing yet.
    ///
    /// # Errors
    /// [`LlmError::Options`] when the address or a header is malformed.
    pub fn new(options: ModelOptions) -> Result<Self, LlmError> {
        let url = options.api.url(&options.base_url)?;
        let headers = build_headers(&options)?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(options.timeouts.connect)
            // A redirect would carry keys in headers to another host, and turns a POST into a GET.
            .redirect(reqwest::redirect::Policy::none());
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| LlmError::Options { reason: describe(error) })?;
        let shown = without_secrets(&url);
        let (dialect, note) = Dialect::of(&options);
        let state = Mutex::new(State { dialect, url, note });
        Ok(Self { inner: Arc::new(Inner { options, shown, headers, http, state }) })
    }

    /// Name of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.inner.options.model
    }

    /// Address of the form that the options name, without user, password and query.
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
            let State { dialect, url, note } = inner.take_state();
            if let Some(note) = note {
                on_event(ModelEvent::Adapted { note });
            }
            let body = build_body(&inner.options, &request, &dialect)
                .map_err(|error| LlmError::Options { reason: error.to_string() })?;
            let bytes_sent = body.len();
            on_event(ModelEvent::Sending { attempt, bytes: bytes_sent });
            let shown = without_secrets(&url);
            let (error, retry_after) = match inner.attempt(body, url, &dialect, on_event).await {
                Ok(assembly) => {
                    let assembled = assembly.finish(request.messages.len());
                    return Ok(finish_reply(assembled, bytes_sent, attempt));
                }
                Err(Failure::ContextLength { message }) => {
                    return Err(LlmError::ContextLength { url: shown, message: inner.cleaned(&message) });
                }
                Err(Failure::Refused { status, message, code }) => {
                    if inner.adapt(&dialect, Refusal { status, message: &message, code: &code }) {
                        continue;
                    }
                    return Err(LlmError::Refused { url: shown, status, message: inner.cleaned(&message) });
                }
                Err(Failure::Passing { error, retry_after }) => (inner.cleaned(&error), retry_after),
            };
            if attempt >= inner.options.retry.attempts_max {
                return Err(LlmError::Unavailable { url: shown, attempts: attempt, last: error });
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
    /// One request and its answer, within the time for both.
    async fn attempt(
        &self,
        body: Vec<u8>,
        url: Url,
        dialect: &Dialect,
        on_event: &mut (impl FnMut(ModelEvent) + Send),
    ) -> Result<Box<dyn Assemble>, Failure> {
        let total = self.options.timeouts.total;
        let attempt = self.attempt_in_any_time(body, url, dialect, on_event);
        timeout(total, attempt).await.unwrap_or_else(|_| {
            Err(Failure::passing(format!("its answer was not complete after {} s", total.as_secs_f64())))
        })
    }

    async fn attempt_in_any_time(
        &self,
        body: Vec<u8>,
        url: Url,
        dialect: &Dialect,
        on_event: &mut (impl FnMut(ModelEvent) + Send),
    ) -> Result<Box<dyn Assemble>, Failure> {
        let timeouts = &self.options.timeouts;
        let sending = self.http.post(url).headers(self.headers.clone()).body(body).send();
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
        read_reply(response, dialect.api, timeouts.idle, |text| {
            on_event(ModelEvent::TextDelta { text });
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with the note for whoever asks first.
    fn take_state(&self) -> State {
        let mut state = self.state();
        let note = state.note.take();
        State { note, ..state.clone() }
    }

    /// Learns from a refusal of a request in this dialect. `false` when there is nothing to learn.
    fn adapt(&self, dialect: &Dialect, refusal: Refusal<'_>) -> bool {
        let mut state = self.state();
        if state.dialect != *dialect {
            // A clone has learned something in the meantime.
            return true;
        }
        let Some((next, note)) = dialect.after_complaint(&self.options, refusal) else {
            return false;
        };
        let Ok(url) = next.api.url(&self.options.base_url) else {
            return false;
        };
        *state = State { dialect: next, url, note: Some(note) };
        true
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

fn finish_reply(reply: Assembled, bytes_sent: usize, attempts: u32) -> ModelReply {
    ModelReply {
        content: reply.content,
        tool_calls: reply.tool_calls,
        provider_items: reply.provider_items,
        stop: reply.stop,
        finish_reason: reply.finish_reason,
        refusal: reply.refusal,
        usage: Usage { requests: 1, ..reply.usage },
        bytes_sent,
        attempts,
    }
}
