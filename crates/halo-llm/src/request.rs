//! What a caller asks a model, in the words of no provider.

use halo_protocol::{Message, ToolSpec};
use serde_json::Value;

/// What to ask a model.
#[derive(Debug, Clone, Copy)]
pub struct ModelRequest<'a> {
    /// The conversation so far.
    pub messages: &'a [Message],
    /// Tools on offer; may be empty.
    pub tools: &'a [ToolSpec],
    /// The same for all requests that begin with the same text: OpenAI then looks for it in the same cache. Goes to
    /// api.openai.com alone, as other servers may refuse a field they do not know.
    pub cache_key: Option<&'a str>,
    /// The form the reply's text should have, where the endpoint can hold the model to it. The conversation has to ask for
    /// it as well: Anthropic is not told, and other endpoints may not know the field.
    pub output_schema: Option<&'a OutputSchema>,
}

/// The form of a text that is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSchema {
    /// Short name, of letters, digits, `_` and `-`.
    pub name: String,
    /// JSON schema of the text.
    pub schema: Value,
}
