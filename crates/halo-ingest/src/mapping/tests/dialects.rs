//! A span of each kind that matters in each convention, and all that it comes to.

use super::*;

/// Rows under headings, for one snapshot a convention.
fn rows(spans: &[(&str, Span)]) -> String {
    let rows: Vec<String> = spans.iter().map(|(heading, span)| format!("# {heading}\n{}", span.row())).collect();
    rows.join("\n")
}

#[test]
fn openinference() {
    let model_call = span(json!({
        "openinference.span.kind": "LLM", "llm.model_name": "gpt-4.1-mini", "llm.provider": "openai", "llm.system": "openai",
        "session.id": "chat-1", "user.id": "u-1",
        "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "Be brief.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.contents.0.message_content.type": "text",
        "llm.input_messages.1.message.contents.0.message_content.text": "Weather",
        "llm.input_messages.1.message.contents.1.message_content.type": "image",
        "llm.input_messages.1.message.contents.1.message_content.image.image.url": "data:image/png;base64,AAAA",
        "llm.input_messages.1.message.contents.2.message_content.type": "text",
        "llm.input_messages.1.message.contents.2.message_content.text": "in Oslo?",
        "llm.input_messages.2.message.role": "assistant",
        "llm.input_messages.2.message.tool_calls.0.tool_call.id": "c1",
        "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "weather",
        "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": "{\"city\": \"Oslo\"}",
        "llm.input_messages.3.message.role": "tool", "llm.input_messages.3.message.tool_call_id": "c1",
        "llm.input_messages.3.message.content": "{\"celsius\":3}",
        "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "3 degrees.",
        "llm.tools.0.tool.json_schema": "{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}",
        "llm.token_count.prompt": 90, "llm.token_count.completion": 4, "llm.token_count.total": 94,
        "llm.token_count.prompt_details.cache_read": 64, "llm.token_count.completion_details.reasoning": 0,
        "llm.cost.total": 0.0001, "input.value": "{\"messages\":[]}", "input.mime_type": "application/json", "output.value": "3 degrees."
    }));
    let legacy = span(json!({
        "openinference.span.kind": "LLM", "llm.model_name": "gpt-3.5-turbo-0613", "llm.prompts.0.prompt.text": "Call it.",
        "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.function_call_name": "weather",
        "llm.output_messages.0.message.function_call_arguments_json": "{}"
    }));
    let tool = span(json!({
        "openinference.span.kind": "TOOL", "tool.name": "weather", "tool.parameters": "{\"city\":\"Oslo\"}",
        "input.value": "{\"city\":\"Oslo\"}", "output.value": "{\"celsius\":3}", "metadata": "{\"thread_id\":\"t-1\"}"
    }));
    let agent = span(
        json!({"openinference.span.kind": "AGENT", "graph.node.id": "planner", "input.value": "Plan it.", "output.value": "Done."}),
    );
    insta::assert_snapshot!(rows(&[
        ("model call", model_call),
        ("legacy call", legacy),
        ("tool", tool),
        ("agent", agent)
    ]));
}

#[test]
fn otel_genai() {
    let attributes = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.response.model": "gpt-4.1-mini-2025-04-14", "gen_ai.conversation.id": "chat-1",
        "gen_ai.usage.input_tokens": 90, "gen_ai.usage.output_tokens": 12, "gen_ai.usage.cache_read.input_tokens": 64,
        "gen_ai.usage.reasoning.output_tokens": 8, "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.system_instructions": "[{\"type\":\"text\",\"content\":\"Be brief.\"}]",
        "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Weather?\"},{\"type\":\"blob\",\"modality\":\"image\",\"content\":\"AAAA\"}]},\
            {\"role\":\"assistant\",\"parts\":[{\"type\":\"reasoning\",\"content\":\"Hm.\"},{\"type\":\"tool_call\",\"id\":\"c1\",\"name\":\"weather\",\"arguments\":{\"city\":\"Oslo\"}}]},\
            {\"role\":\"tool\",\"parts\":[{\"type\":\"tool_call_response\",\"id\":\"c1\",\"response\":{\"celsius\":3}}]}]",
        "gen_ai.output.messages": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"3 degrees.\"}],\"finish_reason\":\"stop\"}]",
        "gen_ai.tool.definitions": "[{\"type\":\"function\",\"name\":\"weather\"}]"
    });
    let tool = span(json!({
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "c1", "gen_ai.tool.type": "function",
        "gen_ai.tool.call.arguments": {"city": "Oslo"}, "gen_ai.tool.call.result": "{\"celsius\":3}"
    }));
    let agent = span(
        json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.id": "a-1", "gen_ai.provider.name": "openai"}),
    );
    let older = json!({"gen_ai.system": "openai", "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.prompt_tokens": 9, "gen_ai.usage.completion_tokens": 2});
    let events = span(older.clone()).events(json!([
        {"name": "gen_ai.system.message", "attributes": {"gen_ai.system": "openai", "content": "Be brief."}},
        {"name": "gen_ai.user.message", "attributes": {"content": "Weather?"}},
        {"name": "gen_ai.assistant.message", "attributes": {"gen_ai.event.content": "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{}\"}}]}"}},
        {"name": "gen_ai.tool.message", "attributes": {"id": "c1", "content": "3"}},
        {"name": "gen_ai.choice", "attributes": {"index": 0, "finish_reason": "stop", "message": "{\"role\":\"assistant\",\"content\":\"3 degrees.\"}"}},
        {"name": "exception", "attributes": {"exception.type": "E"}}
    ]));
    let details = span(older.clone()).events(json!([{"name": "gen_ai.client.inference.operation.details", "attributes": {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Weather?\"}]}]",
        "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "Cold."}], "finish_reason": "stop"}]
    }}]));
    let content = span(older).events(json!([
        {"name": "gen_ai.content.prompt", "attributes": {"gen_ai.prompt": "user: Weather?"}},
        {"name": "gen_ai.content.completion", "attributes": {"gen_ai.completion": "[{\"role\":\"assistant\",\"content\":\"Cold.\"}]"}}
    ]));
    insta::assert_snapshot!(rows(&[
        ("model call", span(attributes)),
        ("tool", tool),
        ("agent", agent.named("invoke_agent planner")),
        ("message events", events),
        ("one event with all", details),
        ("content events", content),
    ]));
}

#[test]
fn inference() {
    let call = span(json!({
        "inference.observation_kind": "LLM", "inference.llm.model_name": "gpt-4o", "inference.llm.provider": "openai",
        "inference.llm.input_tokens": 20, "inference.llm.output_tokens": 4, "inference.llm.cached_input_tokens": 5,
        "inference.llm.reasoning_output_tokens": 1, "inference.llm.cost.total": 0.5, "inference.agent_name": "planner",
        "inference.agent_id": "a-1", "inference.session_id": "s-1", "inference.user_id": "u-1", "inference.project_id": "p"
    }));
    insta::assert_snapshot!(rows(&[("model call", call)]));
}

#[test]
fn traceloop() {
    let call = span(json!({
        "llm.request.type": "chat", "gen_ai.system": "Langchain", "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06",
        "traceloop.association.properties.ls_provider": "openai", "traceloop.association.properties.session_id": "s-1",
        "traceloop.association.properties.user_id": "u-1", "traceloop.workflow.name": "support", "traceloop.entity.path": "agent.model",
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "[{\"type\":\"text\",\"text\":\"Weather?\"}]",
        "gen_ai.prompt.2.role": "assistant", "gen_ai.prompt.2.tool_calls.0.id": "c1", "gen_ai.prompt.2.tool_calls.0.name": "weather",
        "gen_ai.prompt.2.tool_calls.0.arguments": "{}", "gen_ai.prompt.3.role": "tool", "gen_ai.prompt.3.tool_call_id": "c1",
        "gen_ai.prompt.3.content": "3", "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "3 degrees.",
        "gen_ai.completion.0.finish_reason": "stop", "llm.request.functions.0.name": "weather",
        "llm.request.functions.0.parameters": "{}", "gen_ai.usage.prompt_tokens": 30, "gen_ai.usage.completion_tokens": 3,
        "gen_ai.usage.cache_read_input_tokens": 0, "llm.usage.total_tokens": 33
    }));
    let tool = span(json!({
        "traceloop.span.kind": "tool", "traceloop.entity.name": "weather", "traceloop.workflow.name": "support",
        "traceloop.entity.input": "{\"inputs\":{\"city\":\"Oslo\"}}", "traceloop.entity.output": "{\"celsius\":3}"
    }));
    let agent = span(
        json!({"traceloop.span.kind": "agent", "traceloop.entity.name": "planner", "traceloop.workflow.name": "support"}),
    );
    insta::assert_snapshot!(rows(&[("model call", call), ("tool", tool.named("weather.tool")), ("agent", agent)]));
}

#[test]
fn vercel() {
    let outer = span(json!({
        "operation.name": "ai.generateText support", "ai.operationId": "ai.generateText", "ai.telemetry.functionId": "support",
        "ai.model.id": "gpt-5", "ai.model.provider": "openai.responses", "ai.telemetry.metadata.sessionId": "s-1",
        "ai.telemetry.metadata.userId": "u-1", "ai.prompt": "{\"system\":\"Be brief.\",\"prompt\":\"Weather?\"}",
        "ai.response.text": "3 degrees.", "ai.response.finishReason": "stop", "ai.usage.promptTokens": 152, "ai.usage.completionTokens": 20
    }));
    let inner = span(json!({
        "ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "gpt-5", "ai.model.provider": "openai.responses",
        "ai.prompt.messages": "[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Weather?\"}]},\
            {\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Let me see.\"},{\"type\":\"tool-call\",\"toolCallId\":\"c1\",\"toolName\":\"weather\",\"input\":{\"city\":\"Oslo\"}}]},\
            {\"role\":\"tool\",\"content\":[{\"type\":\"tool-result\",\"toolCallId\":\"c1\",\"toolName\":\"weather\",\"output\":{\"type\":\"json\",\"value\":{\"celsius\":3}}}]}]",
        "ai.prompt.tools": ["{\"type\":\"function\",\"name\":\"weather\",\"inputSchema\":{}}"], "ai.prompt.toolChoice": "{\"type\":\"auto\"}",
        "ai.response.toolCalls": "[{\"toolCallId\":\"c2\",\"toolName\":\"weather\",\"input\":\"{\\\"city\\\":\\\"Bergen\\\"}\"}]",
        "ai.response.finishReason": "tool-calls", "ai.response.model": "gpt-5-2025-08-07",
        "ai.response.providerMetadata": "{\"openai\":{\"cachedPromptTokens\":64,\"reasoningTokens\":9}}",
        "ai.usage.promptTokens": 90, "ai.usage.completionTokens": 15, "gen_ai.system": "openai.responses", "gen_ai.request.model": "gpt-5",
        "gen_ai.response.finish_reasons": ["tool-calls"], "gen_ai.usage.input_tokens": 90, "gen_ai.usage.output_tokens": 15
    }));
    let tool = span(json!({
        "ai.operationId": "ai.toolCall", "ai.toolCall.id": "c1", "ai.toolCall.name": "weather",
        "ai.toolCall.args": "{\"city\":\"Oslo\"}", "ai.toolCall.result": "\"3 \\\"degrees\\\"\""
    }));
    let embedding = span(
        json!({"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "text-embedding-3-small", "ai.usage.tokens": 8}),
    );
    insta::assert_snapshot!(rows(&[
        ("outer", outer.scope("ai")),
        ("model call", inner.scope("ai")),
        ("tool", tool.scope("ai")),
        ("embedding", embedding.scope("ai")),
    ]));
}

#[test]
fn langfuse() {
    let call = span(json!({
        "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o", "langfuse.session.id": "s-1",
        "langfuse.user.id": "u-1", "langfuse.observation.level": "DEFAULT",
        "langfuse.observation.input": "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}],\"messages\":[{\"role\":\"user\",\"content\":\"Weather?\"}]}",
        "langfuse.observation.output": "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{}\"}}]}",
        "langfuse.observation.usage_details": "{\"input\":36,\"output\":4,\"total\":104,\"input_cached_tokens\":64}",
        "langfuse.observation.cost_details": "{\"input\":0.5,\"output\":0.25,\"total\":0.75}",
        "langfuse.observation.model.parameters": "{\"temperature\":0}"
    }));
    let text = span(json!({"langfuse.observation.type": "generation", "langfuse.observation.model.name": "m",
        "langfuse.observation.input": "Weather?", "langfuse.observation.output": "Cold."}));
    let agent = span(
        json!({"langfuse.observation.type": "agent", "langfuse.observation.input": "[{\"role\":\"user\",\"content\":\"Weather?\"}]"}),
    );
    let tool = span(
        json!({"langfuse.observation.type": "tool", "langfuse.observation.input": "{\"city\":\"Oslo\"}", "langfuse.observation.output": "3",
        "langfuse.observation.level": "ERROR", "langfuse.observation.status_message": "no such city"}),
    );
    insta::assert_snapshot!(rows(&[
        ("model call", call),
        ("texts", text),
        ("agent", agent),
        ("tool", tool.named("weather"))
    ]));
}

#[test]
fn logfire() {
    let call = span(json!({
        "gen_ai.operation.name": "chat", "gen_ai.system": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.details.cache_read_tokens": 16,
        "gen_ai.usage.details.cache_write_tokens": 4, "operation.cost": 0.01, "gen_ai.response.finish_reasons": ["stop"],
        "model_request_parameters": "{\"function_tools\":[{\"name\":\"weather\"}],\"output_tools\":[]}", "logfire.msg": "chat",
        "events": "[{\"content\":\"Be brief.\",\"role\":\"system\",\"gen_ai.message.index\":0,\"event.name\":\"gen_ai.system.message\"},\
            {\"content\":\"Weather?\",\"role\":\"user\",\"event.name\":\"gen_ai.user.message\"},\
            {\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":{}}}],\"event.name\":\"gen_ai.assistant.message\"},\
            {\"content\":{\"celsius\":3},\"role\":\"tool\",\"id\":\"c1\",\"name\":\"weather\",\"event.name\":\"gen_ai.tool.message\"},\
            {\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"3 degrees.\"},\"event.name\":\"gen_ai.choice\"}]"
    }));
    let run = span(json!({
        "agent_name": "planner", "model_name": "claude-sonnet-4-5", "gen_ai.usage.input_tokens": 80, "gen_ai.usage.output_tokens": 18,
        "pydantic_ai.all_messages": "[{\"role\":\"system\",\"parts\":[{\"type\":\"text\",\"content\":\"Be brief.\"}]},{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Weather?\"}]},\
            {\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"c1\",\"name\":\"weather\",\"arguments\":{}}]},\
            {\"role\":\"user\",\"parts\":[{\"type\":\"tool_call_response\",\"id\":\"c1\",\"result\":\"3\"}]},\
            {\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"3 degrees.\"}]}]",
        "final_result": "3 degrees."
    }));
    let tool = span(
        json!({"gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "c1", "tool_arguments": "{\"city\":\"Oslo\"}", "tool_response": "3"}),
    );
    let openai = span(json!({
        "gen_ai.request.model": "gpt-4o", "gen_ai.system": "openai", "request_data": "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"model\":\"gpt-4o\"}",
        "response_data": "{\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}"
    }));
    insta::assert_snapshot!(rows(&[
        ("model call", call.scope("pydantic-ai")),
        ("agent run", run.scope("pydantic-ai").named("agent run")),
        ("tool", tool.scope("pydantic-ai").named("running tool")),
        ("Logfire's own instrumentation", openai.scope("logfire.openai")),
    ]));
}

#[test]
fn mlflow() {
    let call = span(json!({
        "mlflow.spanType": "\"CHAT_MODEL\"", "mlflow.llm.model": "\"claude-sonnet-4-5\"", "mlflow.llm.provider": "\"anthropic\"",
        "mlflow.trace.session": "\"s-1\"", "mlflow.message.format": "\"anthropic\"",
        "mlflow.chat.tools": "[{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}]",
        "mlflow.chat.tokenUsage": "{\"input_tokens\":10,\"output_tokens\":7,\"total_tokens\":17,\"cache_read_input_tokens\":80}",
        "mlflow.llm.cost": "{\"input_cost\":0.5,\"output_cost\":0.25,\"total_cost\":0.75}",
        "mlflow.spanInputs": "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":99,\"system\":\"Be brief.\",\"messages\":[{\"role\":\"user\",\"content\":\"Weather?\"},\
            {\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm.\"},{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"weather\",\"input\":{}},{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"weather\",\"input\":{}}]},\
            {\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":[{\"type\":\"text\",\"text\":\"3\"}]},{\"type\":\"tool_result\",\"tool_use_id\":\"t2\",\"content\":\"no city\",\"is_error\":true}]}]}",
        "mlflow.spanOutputs": "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"3 degrees.\"}],\"stop_reason\":\"end_turn\"}"
    }));
    let tool = span(
        json!({"mlflow.spanType": "\"TOOL\"", "mlflow.spanFunctionName": "\"weather\"", "mlflow.spanInputs": "{\"city\":\"Oslo\"}", "mlflow.spanOutputs": "\"3 \\\"degrees\\\"\""}),
    );
    insta::assert_snapshot!(rows(&[("model call", call), ("tool", tool.named("weather"))]));
}

#[test]
fn others() {
    let claude_code = span(
        json!({"span.type": "llm_request", "gen_ai.system": "anthropic", "gen_ai.request.model": "claude-sonnet-4-6", "model": "claude-sonnet-4-6",
        "input_tokens": 3, "output_tokens": 163, "cache_read_tokens": 0, "cache_creation_tokens": 17162, "session.id": "s-1", "user.id": "u-1"}),
    );
    let interaction = span(json!({"span.type": "interaction", "user_prompt": "Where is it?", "session.id": "s-1"}));
    let any_agent = span(
        json!({"gen_ai.operation.name": "call_llm", "gen_ai.request.model": "gpt-4.1-mini", "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 2, "gen_ai.usage.input_cost": 0.5, "gen_ai.usage.output_cost": 0.25,
        "gen_ai.input.messages": "[{\"role\":\"user\",\"content\":\"Time?\"}]",
        "gen_ai.output": "[{\"tool.name\":\"clock\",\"tool.args\":\"{}\"},{\"tool.name\":\"zone\",\"tool.args\":{\"of\":\"me\"}}]"}),
    );
    let langsmith = span(
        json!({"langsmith.span.kind": "llm", "langsmith.metadata.ls_provider": "anthropic", "langsmith.metadata.ls_model_name": "claude-sonnet-4-5",
        "langsmith.metadata.thread_id": "t-1", "gen_ai.prompt": "{\"messages\":[[{\"lc\":1,\"type\":\"constructor\",\"id\":[\"langchain\",\"schema\",\"messages\",\"HumanMessage\"],\"kwargs\":{\"content\":\"Weather?\",\"type\":\"human\"}}]]}",
        "gen_ai.completion": "{\"generations\":[[{\"text\":\"Cold.\",\"generation_info\":{\"finish_reason\":\"stop\"},\"message\":{\"lc\":1,\"type\":\"constructor\",\"id\":[\"langchain\",\"schema\",\"messages\",\"AIMessage\"],\"kwargs\":{\"content\":\"Cold.\",\"type\":\"ai\",\"response_metadata\":{\"finish_reason\":\"stop\"}}}}]]}",
        "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 1}),
    );
    let laminar =
        span(json!({"lmnr.span.type": "TOOL", "lmnr.span.input": "{\"city\":\"Oslo\"}", "lmnr.span.output": "3",
        "lmnr.association.properties.session_id": "s-1", "lmnr.association.properties.user_id": "u-1"}));
    let openlit = span(json!({"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.cost": "0.01",
        "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 1})).events(json!([{"name": "gen_ai.content.prompt", "attributes": {"gen_ai.prompt": "user: Hi"}}]));
    insta::assert_snapshot!(rows(&[
        ("Claude Code, a request", claude_code),
        ("Claude Code, an interaction", interaction),
        ("any-agent", any_agent),
        ("LangSmith", langsmith),
        ("Laminar", laminar.named("weather")),
        ("OpenLIT", openlit),
    ]));
}
