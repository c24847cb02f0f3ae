//! Chat messages and tools, as agent and model client exchange them. Independent of any provider's wire form.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One message of a conversation with a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// The instructions that open a conversation.
    System {
        /// Text of the instructions.
        content: String,
    },
    /// What the user, or halo in the user's place, says.
    User {
        /// Text of the message.
        content: String,
    },
    /// A model's reply: text, tool calls, or both.
    Assistant {
        /// Text of the reply; empty when the model only calls tools.
        content: String,
        /// Tool calls in the order the model made them.
        tool_calls: Vec<ToolCall>,
        /// The reply's items in the provider's own form and order, when there are some among them that must be sent back
        /// as they came, such as encrypted reasoning. Opaque to everybody but the model client.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        provider_items: Vec<Value>,
    },
    /// The result of one tool call.
    Tool {
        /// Id of the call this answers.
        tool_call_id: String,
        /// What the model reads.
        content: String,
    },
}

/// A tool call as the model asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Id that the result refers to.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// Arguments as the model wrote them; meant to be a JSON object, and not always one.
    pub arguments: String,
}

/// A tool as a model is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Name the model calls it by.
    pub name: String,
    /// What it does and when to use it, for the model.
    pub description: String,
    /// JSON schema of the arguments.
    pub parameters: Value,
}
