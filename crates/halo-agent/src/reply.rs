//! Replies of models and the events that tell of them: one way there, one way back.

use halo_llm::{ModelReply, StopReason};
use halo_protocol::{EventKind, RequestPurpose};

/// What an event says of a reply beside the reply itself.
pub(crate) struct ReplyFacts {
    pub(crate) turn: u32,
    pub(crate) purpose: RequestPurpose,
    pub(crate) key: Option<String>,
    pub(crate) closing: bool,
    pub(crate) elapsed_ms: u64,
}

/// The event of a reply.
pub(crate) fn to_event(reply: &ModelReply, facts: ReplyFacts) -> EventKind {
    EventKind::ModelReply {
        turn: facts.turn,
        purpose: facts.purpose,
        key: facts.key,
        content: text_of(reply).to_owned(),
        tool_calls: reply.tool_calls.clone(),
        provider_items: reply.provider_items.clone(),
        closing: facts.closing,
        refused: is_refusal(reply),
        finish_reason: reply.finish_reason.clone(),
        usage: reply.usage,
        elapsed_ms: facts.elapsed_ms,
    }
}

/// The reply of an event; `None` for other events.
pub(crate) fn from_event(event: &EventKind) -> Option<ModelReply> {
    let EventKind::ModelReply { content, tool_calls, provider_items, refused, finish_reason, usage, .. } = event else {
        return None;
    };
    Some(ModelReply {
        content: if *refused { String::new() } else { content.clone() },
        tool_calls: tool_calls.clone(),
        provider_items: provider_items.clone(),
        stop: stop_of(finish_reason.as_deref(), !tool_calls.is_empty(), *refused),
        finish_reason: finish_reason.clone(),
        refusal: refused.then(|| content.clone()),
        usage: *usage,
        bytes_sent: 0,
        attempts: 0,
    })
}

/// Why a model of the log stopped.
fn stop_of(finish_reason: Option<&str>, has_calls: bool, refused: bool) -> StopReason {
    match finish_reason {
        _ if refused => StopReason::Refusal,
        Some("length" | "max_tokens" | "max_output_tokens") => StopReason::Length,
        _ if has_calls => StopReason::ToolCalls,
        Some("stop" | "end_turn" | "completed") => StopReason::EndTurn,
        _ => StopReason::Other,
    }
}

/// What the model said, be it an answer or a refusal.
pub(crate) fn text_of(reply: &ModelReply) -> &str {
    match &reply.refusal {
        Some(refusal) if reply.content.trim().is_empty() => refusal,
        _ => &reply.content,
    }
}

/// Whether the model, or its provider, refused to answer.
pub(crate) fn is_refusal(reply: &ModelReply) -> bool {
    reply.tool_calls.is_empty() && (reply.refusal.is_some() || reply.stop == StopReason::Refusal)
}
