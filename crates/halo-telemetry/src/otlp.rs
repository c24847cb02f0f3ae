//! Spans to an endpoint, in batches and in the background: the run never waits for it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::endpoint::Endpoint;
use crate::span::document;
use crate::{OtlpOptions, Span, TelemetryError, TelemetryReport};

/// Spans of one request.
const BATCH_SPANS_MAX: usize = 512;

/// Bytes after which a request is full; endpoints refuse bodies of tens of megabytes.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Requests for one batch.
const ATTEMPTS_MAX: u32 = 4;

/// Upper bound of a wait that the endpoint asked for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Sends spans as OTLP/JSON over HTTP from a task of its own.
///
/// Spans that find the queue full, and batches that the endpoint does not take, are counted as dropped.
pub struct OtlpExporter {
    /// Spans as JSON.
    queue: Sender<String>,
    worker: JoinHandle<()>,
    flush_max: Duration,
    shown: String,
    /// Spans that were given.
    given: u64,
    /// Why a span did not get into the queue.
    unqueued: Option<String>,
    sent: Arc<Mutex<Sent>>,
}

/// What the task has done.
#[derive(Debug, Default)]
struct Sent {
    spans: u64,
    /// Why a batch was given up; the first, as those that follow mostly follow from it.
    error: Option<String>,
    /// What the request failed with that is to be sent again.
    passing: Option<String>,
}

/// The task's side.
struct Worker {
    endpoint: Endpoint,
    http: reqwest::Client,
    batch_wait: Duration,
    retry_wait: Duration,
    sent: Arc<Mutex<Sent>>,
}

/// Why a request did not succeed.
struct Failure {
    reason: String,
    may_pass: bool,
    retry_after: Option<Duration>,
}

impl OtlpExporter {
    /// Begins. Must be called within a tokio runtime; sends nothing yet.
    ///
    /// # Errors
    /// [`TelemetryError::Options`] when address or headers are malformed, or there is no runtime.
    pub fn start(options: &OtlpOptions) -> Result<Self, TelemetryError> {
        let endpoint = Endpoint::new(options)?;
        let wrong = |reason: String| TelemetryError::Options { reason };
        let runtime = Handle::try_current().map_err(|error| wrong(error.to_string()))?;
        let mut builder = reqwest::Client::builder()
            .timeout(options.timeout)
            // A redirect would carry keys in headers to another host, and turns a POST into a GET.
            .redirect(reqwest::redirect::Policy::none());
        if matches!(endpoint.url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| wrong(describe(error)))?;
        let (queue, waiting) = channel(options.queue_max.max(1));
        let sent = Arc::new(Mutex::new(Sent::default()));
        let shown = endpoint.shown.clone();
        let OtlpOptions { batch_wait, retry_wait, flush_max, .. } = *options;
        let worker = Worker { endpoint, http, batch_wait, retry_wait, sent: Arc::clone(&sent) };
        let worker = runtime.spawn(worker.run(waiting));
        Ok(Self { queue, worker, flush_max, shown, given: 0, unqueued: None, sent })
    }

    /// Takes spans to send them later, without waiting.
    pub fn export(&mut self, spans: &[Span]) {
        for span in spans {
            self.given += 1;
            let queued = match serde_json::to_string(span) {
                Ok(text) => {
                    self.queue.try_send(text).map_err(|_| "it was too slow, and too many spans waited".to_owned())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(reason) = queued {
                self.unqueued.get_or_insert(reason);
            }
        }
    }

    /// Sends what is left, for as long as the options allow, and tells what became of all spans.
    pub async fn finish(self) -> TelemetryReport {
        let Self { queue, mut worker, flush_max, shown, given, unqueued, sent } = self;
        // The task ends when the queue is empty and nobody can fill it.
        drop(queue);
        let is_late = timeout(flush_max, &mut worker).await.is_err();
        worker.abort();
        let mut sent = lock(&sent);
        let late = is_late.then(|| match &sent.passing {
            Some(failure) => format!("it did not take all spans within {} s; {failure}", flush_max.as_secs_f64()),
            None => format!("it did not take all spans within {} s", flush_max.as_secs_f64()),
        });
        let reason = sent.error.take().or(late).or(unqueued);
        TelemetryReport {
            spans: sent.spans,
            dropped: given.saturating_sub(sent.spans),
            error: reason.map(|reason| format!("the telemetry endpoint {shown} failed: {reason}")),
        }
    }
}

impl fmt::Debug for OtlpExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpExporter").field("url", &self.shown).field("given", &self.given).finish_non_exhaustive()
    }
}

impl Worker {
    async fn run(self, mut waiting: Receiver<String>) {
        while let Some(first) = waiting.recv().await {
            let batch = fill(first, &mut waiting, self.batch_wait).await;
            let count = batch.len() as u64;
            let result = self.send(document(&batch)).await;
            let mut sent = lock(&self.sent);
            sent.passing = None;
            let failure = match result {
                Ok(refused) => {
                    sent.spans += count.saturating_sub(refused.spans);
                    refused.reason
                }
                Err(failure) => Some(failure.reason),
            };
            if let Some(failure) = failure {
                sent.error.get_or_insert(failure);
            }
        }
    }

    /// Sends a batch, again when its failure may pass.
    async fn send(&self, body: String) -> Result<Refused, Failure> {
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(body.clone()).await {
                Err(failure) if failure.may_pass && attempt < ATTEMPTS_MAX => failure,
                done => return done,
            };
            lock(&self.sent).passing = Some(failure.reason);
            let wait = self.retry_wait.saturating_mul(1 << (attempt - 1));
            sleep(wait.max(failure.retry_after.unwrap_or_default())).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, body: String) -> Result<Refused, Failure> {
        let url = self.endpoint.url.clone();
        let sending = self.http.post(url).headers(self.endpoint.headers.clone()).body(body).send();
        let mut response = sending.await.map_err(|error| Failure {
            reason: format!("the request did not get through: {}", self.endpoint.cleaned(&describe(error))),
            may_pass: true,
            retry_after: None,
        })?;
        let status = response.status();
        let answer = read_answer(&mut response).await;
        if status.is_success() {
            return Ok(self.refused(&answer));
        }
        let words = self.endpoint.cleaned(&message_of(&answer));
        let reason = if words.is_empty() { format!("status {status}") } else { format!("status {status}: {words}") };
        // The protocol names these, and forbids to send again after any other.
        let may_pass = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let seconds = header.and_then(|value| value.trim().parse().ok());
        let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
        Err(Failure { reason, may_pass, retry_after })
    }

    /// What an endpoint that took a batch says it did not take of it.
    fn refused(&self, answer: &[u8]) -> Refused {
        let answer: Answer = serde_json::from_slice(answer).unwrap_or_default();
        let Some(partial) = answer.partial_success else {
            return Refused::default();
        };
        // 64-bit integers are text in protobuf's JSON, and some write numbers.
        let spans = match &partial.rejected_spans {
            Value::String(text) => text.parse().unwrap_or(0),
            number => number.as_u64().unwrap_or(0),
        };
        let words = self.endpoint.cleaned(&partial.error_message);
        let told = spans > 0 || !words.is_empty();
        Refused { spans, reason: told.then(|| format!("it refused {spans} spans of a batch: {words}")) }
    }
}

/// Spans of a batch that an endpoint did not take, and what it says about it.
#[derive(Default)]
struct Refused {
    spans: u64,
    reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    partial_success: Option<PartialSuccess>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PartialSuccess {
    rejected_spans: Value,
    error_message: String,
}

/// The spans that come within a moment of the first, as many as fit into a request.
async fn fill(first: String, waiting: &mut Receiver<String>, wait: Duration) -> Vec<String> {
    let deadline = Instant::now() + wait;
    let mut bytes = first.len();
    let mut batch = vec![first];
    while batch.len() < BATCH_SPANS_MAX && bytes < BATCH_BYTES_MAX {
        match timeout_at(deadline, waiting.recv()).await {
            Ok(Some(span)) => {
                bytes += span.len();
                batch.push(span);
            }
            Ok(None) | Err(_) => break,
        }
    }
    batch
}

/// The body of an answer, or its beginning. One that breaks off only shortens the message.
async fn read_answer(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(bytes)) => body.extend_from_slice(&bytes),
            Ok(None) | Err(_) => break,
        }
    }
    body
}

/// The message of an error: that of a status object, or the whole text.
fn message_of(answer: &[u8]) -> String {
    let status: Option<Value> = serde_json::from_slice(answer).ok();
    let message = status.as_ref().and_then(|status| status.get("message")).and_then(Value::as_str);
    message.map_or_else(|| String::from_utf8_lossy(answer).into_owned(), str::to_owned)
}

/// An error of the HTTP client with its causes and without the address, which may hold secrets.
fn describe(error: reqwest::Error) -> String {
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

fn lock(sent: &Mutex<Sent>) -> MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}
