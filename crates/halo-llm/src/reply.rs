//! What a model answered.

use halo_protocol::{ToolCall, Usage};
use serde_json::Value;

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelReply {
    /// Text of the reply.
    pub content: String,
    /// Tool calls in order; arguments as the model wrote them.
    pub tool_calls: Vec<ToolCall>,
    /// What has to go back with this reply in the next request, unchanged and for the model client alone to read:
    /// [`halo_protocol::Message::Assistant`] has a field for it. Empty when nothing has to.
    pub provider_items: Vec<Value>,
    /// Why the model stopped.
    pub stop: StopReason,
    /// The same in the provider's word.
    pub finish_reason: Option<String>,
    /// The model's words when it refused.
    pub refusal: Option<String>,
    /// What the request cost; only `requests` is set when the endpoint reports nothing.
    pub usage: Usage,
    /// Size of the request's body in bytes.
    pub bytes_sent: usize,
    /// Requests it took, failed ones included.
    pub attempts: u32,
}

/// Why a model stopped, the same for every provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// It had said all.
    EndTurn,
    /// It waits for the results of its tool calls.
    ToolCalls,
    /// The reply, or the conversation with it, became too long; text and calls may be cut.
    Length,
    /// The model or its provider refuses to answer.
    Refusal,
    /// Something else; the provider's word tells.
    Other,
}
