//! The table that maps attributes of the conventions in use to columns. To add or check a mapping, this is the place.
//!
//! Sources: OpenInference semantic conventions (Arize), OpenTelemetry GenAI semantic conventions (registry `gen_ai`, old and new names),
//! HALO's `inference.*` export, and names that SDKs in the field write beside these.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What an attribute tells about a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Field {
    Kind,
    Operation,
    Model,
    Provider,
    InputTokens,
    OutputTokens,
    CachedInputTokens,
    CacheWriteTokens,
    ReasoningTokens,
    CostTotal,
    CostInput,
    CostOutput,
    FinishReason,
    ToolName,
    ToolCallId,
    ToolInput,
    ToolOutput,
    AgentName,
    AgentId,
    SessionId,
    UserId,
    ProjectId,
    Input,
    Output,
    InputMessages,
    SystemInstructions,
    OutputMessages,
    ToolDefinitions,
    InvocationParameters,
    ErrorType,
    ErrorMessage,
    ServiceName,
}

/// Number of fields.
pub(crate) const FIELDS: usize = Field::ServiceName as usize + 1;

/// Who defines an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Convention {
    OpenInference,
    OtelGenAi,
    Inference,
    /// In use without a convention behind it.
    Other,
}

impl Convention {
    /// The value of the `dialect` column.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OpenInference => "openinference",
            Self::OtelGenAi => "otel_genai",
            Self::Inference => "inference",
            Self::Other => "other",
        }
    }
}

use Convention::{Inference, OpenInference, OtelGenAi, Other};

/// Attribute, what it tells, and who defines it. Where a span has several attributes for one field, the one that stands first here wins;
/// nulls and empty texts never win.
const RULES: &[(&str, Field, Convention)] = &[
    ("openinference.span.kind", Field::Kind, OpenInference),
    ("inference.observation_kind", Field::Kind, Inference),
    ("inference.observation.kind", Field::Kind, Inference),
    ("gen_ai.operation.name", Field::Operation, OtelGenAi),
    // The model that answered before the one that was asked for.
    ("llm.response.model_name", Field::Model, OpenInference),
    ("gen_ai.response.model", Field::Model, OtelGenAi),
    ("llm.model_name", Field::Model, OpenInference),
    ("gen_ai.request.model", Field::Model, OtelGenAi),
    ("llm.request.model_name", Field::Model, OpenInference),
    ("inference.llm.model_name", Field::Model, Inference),
    ("embedding.model_name", Field::Model, OpenInference),
    ("reranker.model_name", Field::Model, OpenInference),
    ("ai.response.model", Field::Model, Other),
    ("ai.model.id", Field::Model, Other),
    ("llm.provider", Field::Provider, OpenInference),
    ("gen_ai.provider.name", Field::Provider, OtelGenAi),
    ("gen_ai.system", Field::Provider, OtelGenAi),
    ("llm.system", Field::Provider, OpenInference),
    ("inference.llm.provider", Field::Provider, Inference),
    ("ai.model.provider", Field::Provider, Other),
    ("llm.token_count.prompt", Field::InputTokens, OpenInference),
    ("gen_ai.usage.input_tokens", Field::InputTokens, OtelGenAi),
    ("gen_ai.usage.prompt_tokens", Field::InputTokens, OtelGenAi),
    ("inference.llm.input_tokens", Field::InputTokens, Inference),
    ("ai.usage.inputTokens", Field::InputTokens, Other),
    ("ai.usage.promptTokens", Field::InputTokens, Other),
    ("llm.token_count.completion", Field::OutputTokens, OpenInference),
    ("gen_ai.usage.output_tokens", Field::OutputTokens, OtelGenAi),
    ("gen_ai.usage.completion_tokens", Field::OutputTokens, OtelGenAi),
    ("inference.llm.output_tokens", Field::OutputTokens, Inference),
    ("ai.usage.outputTokens", Field::OutputTokens, Other),
    ("ai.usage.completionTokens", Field::OutputTokens, Other),
    ("llm.token_count.prompt_details.cache_read", Field::CachedInputTokens, OpenInference),
    ("gen_ai.usage.cache_read.input_tokens", Field::CachedInputTokens, OtelGenAi),
    ("gen_ai.usage.cache_read_input_tokens", Field::CachedInputTokens, OtelGenAi),
    ("inference.llm.cached_input_tokens", Field::CachedInputTokens, Inference),
    ("llm.token_count.prompt_details.cache_write", Field::CacheWriteTokens, OpenInference),
    ("gen_ai.usage.cache_creation.input_tokens", Field::CacheWriteTokens, OtelGenAi),
    ("gen_ai.usage.cache_creation_input_tokens", Field::CacheWriteTokens, OtelGenAi),
    ("llm.token_count.completion_details.reasoning", Field::ReasoningTokens, OpenInference),
    ("gen_ai.usage.reasoning.output_tokens", Field::ReasoningTokens, OtelGenAi),
    ("gen_ai.usage.reasoning_tokens", Field::ReasoningTokens, OtelGenAi),
    ("inference.llm.reasoning_output_tokens", Field::ReasoningTokens, Inference),
    ("llm.cost.total", Field::CostTotal, OpenInference),
    ("gen_ai.usage.cost", Field::CostTotal, Other),
    ("inference.llm.cost.total", Field::CostTotal, Inference),
    ("operation.cost", Field::CostTotal, Other),
    ("llm.cost.prompt", Field::CostInput, OpenInference),
    ("gen_ai.usage.input_cost", Field::CostInput, Other),
    ("llm.cost.completion", Field::CostOutput, OpenInference),
    ("gen_ai.usage.output_cost", Field::CostOutput, Other),
    ("llm.finish_reason", Field::FinishReason, OpenInference),
    ("gen_ai.response.finish_reasons", Field::FinishReason, OtelGenAi),
    ("gen_ai.completion.0.finish_reason", Field::FinishReason, Other),
    ("ai.response.finishReason", Field::FinishReason, Other),
    ("tool.name", Field::ToolName, OpenInference),
    ("gen_ai.tool.name", Field::ToolName, OtelGenAi),
    ("ai.toolCall.name", Field::ToolName, Other),
    ("tool_name", Field::ToolName, Other),
    ("tool_call.id", Field::ToolCallId, OpenInference),
    ("tool.id", Field::ToolCallId, OpenInference),
    ("gen_ai.tool.call.id", Field::ToolCallId, OtelGenAi),
    ("ai.toolCall.id", Field::ToolCallId, Other),
    ("gen_ai.tool.call.arguments", Field::ToolInput, OtelGenAi),
    ("gen_ai.tool.args", Field::ToolInput, Other),
    ("ai.toolCall.args", Field::ToolInput, Other),
    ("tool_arguments", Field::ToolInput, Other),
    ("tool.parameters", Field::ToolInput, OpenInference),
    ("gen_ai.tool.call.result", Field::ToolOutput, OtelGenAi),
    ("ai.toolCall.result", Field::ToolOutput, Other),
    ("tool_response", Field::ToolOutput, Other),
    ("agent.name", Field::AgentName, OpenInference),
    ("gen_ai.agent.name", Field::AgentName, OtelGenAi),
    ("inference.agent_name", Field::AgentName, Inference),
    ("agent_name", Field::AgentName, Other),
    ("agent.id", Field::AgentId, OpenInference),
    ("gen_ai.agent.id", Field::AgentId, OtelGenAi),
    ("inference.agent_id", Field::AgentId, Inference),
    ("session.id", Field::SessionId, OpenInference),
    ("gen_ai.conversation.id", Field::SessionId, OtelGenAi),
    ("inference.session_id", Field::SessionId, Inference),
    ("user.id", Field::UserId, OpenInference),
    ("inference.user_id", Field::UserId, Inference),
    ("inference.project_id", Field::ProjectId, Inference),
    ("input.value", Field::Input, OpenInference),
    ("output.value", Field::Output, OpenInference),
    ("gen_ai.output", Field::Output, Other),
    ("llm.input_messages", Field::InputMessages, OpenInference),
    ("gen_ai.input.messages", Field::InputMessages, OtelGenAi),
    ("gen_ai.prompt", Field::InputMessages, OtelGenAi),
    // Where a convention keeps the system prompt apart from the messages.
    ("gen_ai.system_instructions", Field::SystemInstructions, OtelGenAi),
    ("llm.output_messages", Field::OutputMessages, OpenInference),
    ("gen_ai.output.messages", Field::OutputMessages, OtelGenAi),
    ("gen_ai.completion", Field::OutputMessages, OtelGenAi),
    ("llm.tools", Field::ToolDefinitions, OpenInference),
    ("gen_ai.tool.definitions", Field::ToolDefinitions, OtelGenAi),
    ("ai.prompt.tools", Field::ToolDefinitions, Other),
    ("llm.invocation_parameters", Field::InvocationParameters, OpenInference),
    ("error.type", Field::ErrorType, OtelGenAi),
    ("exception.type", Field::ErrorType, OtelGenAi),
    ("exception.message", Field::ErrorMessage, OtelGenAi),
    // A resource without a name, and a span that knows better.
    ("service.name", Field::ServiceName, Other),
];

/// What the table says about an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) field: Field,
    pub(crate) convention: Convention,
    /// Position in the table: the lower wins.
    pub(crate) rank: usize,
}

static BY_KEY: LazyLock<HashMap<&'static str, Rule>> = LazyLock::new(|| {
    RULES
        .iter()
        .enumerate()
        .map(|(rank, (key, field, convention))| (*key, Rule { field: *field, convention: *convention, rank }))
        .collect()
});

/// The rule for an attribute, when there is one.
pub(crate) fn rule(key: &str) -> Option<Rule> {
    BY_KEY.get(key).copied()
}

/// The `span_type` for a value of a kind attribute (OpenInference's span kinds, HALO's observation kinds, in any case).
pub(crate) fn span_type_of_kind(kind: &str) -> Option<&'static str> {
    let upper = kind.trim().to_ascii_uppercase();
    Some(match upper.as_str() {
        "AGENT" => "AGENT",
        "LLM" | "GENERATION" => "LLM",
        "TOOL" | "FUNCTION" => "TOOL",
        "CHAIN" | "PROMPT" | "WORKFLOW" | "TASK" => "CHAIN",
        "RETRIEVER" => "RETRIEVER",
        "EMBEDDING" => "EMBEDDING",
        "RERANKER" => "RERANKER",
        "GUARDRAIL" => "GUARDRAIL",
        "EVALUATOR" => "EVALUATOR",
        _ => return None,
    })
}

/// The `span_type` for a value of `gen_ai.operation.name`.
pub(crate) fn span_type_of_operation(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "chat" | "text_completion" | "generate_content" => "LLM",
        "embeddings" => "EMBEDDING",
        "retrieval" => "RETRIEVER",
        "execute_tool" => "TOOL",
        "invoke_agent" | "create_agent" => "AGENT",
        "invoke_workflow" => "CHAIN",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attribute_stands_twice() {
        assert_eq!(BY_KEY.len(), RULES.len());
    }

    #[test]
    fn every_field_is_reachable() {
        let fields: std::collections::BTreeSet<Field> = RULES.iter().map(|(_, field, _)| *field).collect();
        assert_eq!(fields.len(), FIELDS);
    }
}
