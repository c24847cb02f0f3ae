//! The body of an answer to a reply, whether it is an event stream, one JSON document, or something else altogether.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::ModelApi;
use crate::endpoint::describe;
use crate::failure::Failure;
use crate::sse::SseDecoder;
use crate::wire::{Assemble, Progress, assembly};

/// No reply is as large as this; an endpoint that sends more does not stop.
const BODY_BYTES_MAX: usize = 64 << 20;

/// How long to wait for usage and `[DONE]` once the model has said why it stopped. Some endpoints never send them.
const TAIL_WAIT: Duration = Duration::from_secs(10);

/// Reads a whole reply. `on_text` gets each piece of text as it comes in.
pub(crate) async fn read_reply(
    mut response: Response,
    api: ModelApi,
    idle: Duration,
    mut on_text: impl FnMut(String),
) -> Result<Box<dyn Assemble>, Failure> {
    let mut assembly = assembly(api);
    let mut decoder = SseDecoder::default();
    let mut bytes_read = 0_usize;
    let mut opening = Vec::new();
    loop {
        let stopped = assembly.progress() == Progress::Stopped;
        let wait = if stopped { idle.min(TAIL_WAIT) } else { idle };
        let bytes = match timeout(wait, response.chunk()).await {
            Ok(Ok(Some(bytes))) => bytes,
            Ok(Ok(None)) => break,
            // What is missing after the finish reason is usage at most.
            Ok(Err(_)) | Err(_) if stopped => return Ok(assembly),
            Ok(Err(error)) => {
                return Err(Failure::passing(format!("its answer broke off: {}", describe(error))));
            }
            Err(_) => {
                return Err(Failure::passing(format!("its answer fell silent for {} s", idle.as_secs_f64())));
            }
        };
        bytes_read += bytes.len();
        if bytes_read > BODY_BYTES_MAX {
            return Err(Failure::passing("its answer does not end"));
        }
        if opening.len() < 400 {
            opening.extend(bytes.iter().take(400));
        }
        // What the bytes are counts more than what the content type says they are.
        if decoder.is_empty_so_far() && starts_with(&opening, b"{[") {
            return read_document(response, assembly, bytes.to_vec(), idle, on_text).await;
        }
        for data in decoder.push(&bytes) {
            if add_event(&mut *assembly, &data, &mut on_text)? {
                return Ok(assembly);
            }
        }
    }
    if let Some(data) = decoder.finish()
        && add_event(&mut *assembly, &data, &mut on_text)?
    {
        return Ok(assembly);
    }
    match assembly.progress() {
        Progress::Stopped | Progress::Ended => Ok(assembly),
        Progress::Begun => Err(Failure::passing("its answer broke off before it was complete")),
        Progress::Nothing => Err(Failure::passing(no_reply(&response, &opening))),
    }
}

/// Adds one event. `true` when it is the last.
fn add_event(assembly: &mut dyn Assemble, data: &str, on_text: &mut impl FnMut(String)) -> Result<bool, Failure> {
    if data.trim() == "[DONE]" {
        assembly.add_done();
        if assembly.progress() == Progress::Nothing {
            return Err(Failure::passing("its answer was empty"));
        }
        return Ok(assembly.progress() == Progress::Ended);
    }
    let chunk: Value = serde_json::from_str(data).map_err(|error| {
        Failure::passing(format!("it sent an event that is no JSON ({error}): {}", opening_of(data)))
    })?;
    let text = assembly.add(&chunk)?;
    if !text.is_empty() {
        on_text(text);
    }
    Ok(assembly.progress() == Progress::Ended)
}

/// One JSON document in answer to a request for a stream.
async fn read_document(
    mut response: Response,
    mut assembly: Box<dyn Assemble>,
    mut body: Vec<u8>,
    idle: Duration,
    mut on_text: impl FnMut(String),
) -> Result<Box<dyn Assemble>, Failure> {
    loop {
        match timeout(idle, response.chunk()).await {
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
            Ok(Ok(None)) => break,
            Ok(Err(error)) => {
                return Err(Failure::passing(format!("its answer broke off: {}", describe(error))));
            }
            Err(_) => {
                return Err(Failure::passing(format!("its answer fell silent for {} s", idle.as_secs_f64())));
            }
        }
        if body.len() > BODY_BYTES_MAX {
            return Err(Failure::passing("its answer does not end"));
        }
    }
    let document: Value = serde_json::from_slice(&body)
        .map_err(|error| Failure::passing(format!("its answer is JSON that breaks off ({error})")))?;
    let text = assembly.add(&document)?;
    if assembly.progress() == Progress::Nothing {
        return Err(Failure::passing(no_reply(&response, &body)));
    }
    if !text.is_empty() {
        on_text(text);
    }
    Ok(assembly)
}

fn starts_with(bytes: &[u8], any_of: &[u8]) -> bool {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|first| any_of.contains(first))
}

fn no_reply(response: &Response, body: &[u8]) -> String {
    let content_type = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no content type");
    format!(
        "it answered with something that is no completion ({content_type}): {}",
        opening_of(&String::from_utf8_lossy(body))
    )
}

fn opening_of(text: &str) -> String {
    text.chars().take(120).collect()
}
