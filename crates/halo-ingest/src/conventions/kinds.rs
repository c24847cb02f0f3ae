//! What the conventions' words for a kind of step come to.

/// The `span_type` for a value of a kind attribute: OpenInference's span kinds, and the observation and span types of HALO, Langfuse,
/// MLflow, LangSmith, Laminar, Traceloop and Claude Code, in any case. `None` of words that tell nothing, such as "span".
pub(crate) fn span_type_of_kind(kind: &str) -> Option<&'static str> {
    const KINDS: &[(&str, &str)] = &[
        ("LLM", "LLM"),
        ("TOOL", "TOOL"),
        ("AGENT", "AGENT"),
        ("CHAIN", "CHAIN"),
        ("GENERATION", "LLM"),
        ("CHAT_MODEL", "LLM"),
        ("LLM_REQUEST", "LLM"),
        ("COMPLETION", "LLM"),
        ("FUNCTION", "TOOL"),
        ("INTERACTION", "AGENT"),
        ("PROMPT", "CHAIN"),
        ("PARSER", "CHAIN"),
        ("WORKFLOW", "CHAIN"),
        ("TASK", "CHAIN"),
        ("RETRIEVER", "RETRIEVER"),
        ("EMBEDDING", "EMBEDDING"),
        ("RERANKER", "RERANKER"),
        ("GUARDRAIL", "GUARDRAIL"),
        ("EVALUATOR", "EVALUATOR"),
    ];
    let kind = kind.trim();
    KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, span_type)| *span_type)
}

/// The `span_type` for a value of `gen_ai.operation.name`, or of Traceloop's `llm.request.type`.
pub(crate) fn span_type_of_operation(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "chat" | "text_completion" | "generate_content" | "completion" | "call_llm" => "LLM",
        "embeddings" | "embedding" => "EMBEDDING",
        "retrieval" => "RETRIEVER",
        "rerank" => "RERANKER",
        "execute_tool" => "TOOL",
        "invoke_agent" | "create_agent" => "AGENT",
        "invoke_workflow" | "orchestrate_tools" => "CHAIN",
        _ => return None,
    })
}

/// The `span_type` for an operation of Vercel's AI SDK; the id of a function may stand behind the operation.
///
/// The SDK reports each model call twice: as `ai.generateText.doGenerate`, and as the `ai.generateText` around it, which may make several
/// calls and run tools between them. Only the inner one is a model call.
pub(crate) fn span_type_of_vercel(operation: &str) -> Option<&'static str> {
    let operation = operation.split(' ').next()?.strip_prefix("ai.")?;
    Some(match operation {
        "toolCall" => "TOOL",
        "generateText" | "streamText" => "AGENT",
        _ => match operation.split_once('.') {
            Some((_, "doGenerate" | "doStream")) => "LLM",
            Some((_, "doEmbed")) => "EMBEDDING",
            Some((_, "doRerank")) => "RERANKER",
            _ => "CHAIN",
        },
    })
}

/// Whether a provider's name is that of a framework that only passes the call on.
pub(crate) fn is_framework(provider: &str) -> bool {
    const FRAMEWORKS: &[&str] = &[
        "langchain",
        "langgraph",
        "llama_index",
        "llamaindex",
        "crewai",
        "litellm",
        "haystack",
        "pydantic-ai",
        "semantic_kernel",
        "microsoft.agent_framework",
        "gcp.vertex.agent",
        "strands-agents",
        "unknown",
    ];
    FRAMEWORKS.iter().any(|name| name.eq_ignore_ascii_case(provider.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_in_any_case_and_words_that_tell_nothing() {
        for (kind, expected) in [
            ("llm", Some("LLM")),
            (" Generation ", Some("LLM")),
            ("CHAT_MODEL", Some("LLM")),
            ("workflow", Some("CHAIN")),
            ("span", None),
            ("event", None),
            ("UNKNOWN", None),
            ("web", None),
        ] {
            assert_eq!(span_type_of_kind(kind), expected, "{kind}");
        }
    }

    #[test]
    fn operations_of_the_ai_sdk() {
        for (operation, expected) in [
            ("ai.generateText", Some("AGENT")),
            ("ai.streamText support-bot", Some("AGENT")),
            ("ai.generateText.doGenerate", Some("LLM")),
            ("ai.streamObject.doStream", Some("LLM")),
            ("ai.generateObject", Some("CHAIN")),
            ("ai.embedMany", Some("CHAIN")),
            ("ai.embedMany.doEmbed", Some("EMBEDDING")),
            ("ai.toolCall", Some("TOOL")),
            ("GET /", None),
        ] {
            assert_eq!(span_type_of_vercel(operation), expected, "{operation}");
        }
    }
}
