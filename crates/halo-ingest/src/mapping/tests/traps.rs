//! What goes wrong with a naive mapping, one test a trap.

use super::*;

#[test]
fn cached_tokens_are_in_the_input_whatever_a_convention_counts() {
    let openinference = json!({"llm.token_count.prompt": 100, "llm.token_count.completion": 5,
        "llm.token_count.prompt_details.cache_read": 80, "llm.token_count.total": 105});
    let openai = json!({"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 80});
    // Usage of Anthropic's API as it came: a part is larger than the whole.
    let raw = json!({"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read_input_tokens": 80, "gen_ai.usage.cache_creation_input_tokens": 17});
    // The total says that the cached ones were counted apart.
    let apart = json!({"gen_ai.usage.input_tokens": 60, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.total_tokens": 105,
        "gen_ai.usage.cache_read.input_tokens": 40});
    let langfuse = |usage: &str| json!({"langfuse.observation.usage_details": usage});
    for (attributes, expected) in [
        (openinference, [Some(100), Some(5), Some(80), None, None]),
        (openai, [Some(100), Some(5), Some(80), None, None]),
        (raw, [Some(100), Some(5), Some(80), Some(17), None]),
        (apart, [Some(100), Some(5), Some(40), None, None]),
        (
            langfuse(r#"{"input":20,"input_cached_tokens":80,"output":3,"output_reasoning_tokens":2,"total":105}"#),
            [Some(100), Some(5), Some(80), None, Some(2)],
        ),
        (
            langfuse(r#"{"input":20,"output":5,"input_cache_creation_5m":30,"input_cache_creation_1h":50}"#),
            [Some(100), Some(5), None, Some(80), None],
        ),
        // OpenAI's names mean OpenAI's way of counting; a total of input and output does, too.
        (
            langfuse(
                r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"prompt_tokens_details":{"cached_tokens":80}}"#,
            ),
            [Some(100), Some(5), Some(80), None, None],
        ),
        (
            langfuse(r#"{"input":100,"output":5,"output_reasoning_tokens":2,"total":105,"input_cached_tokens":80}"#),
            [Some(100), Some(5), Some(80), None, Some(2)],
        ),
        (
            json!({"input_tokens": 3, "output_tokens": 163, "cache_read_tokens": 0, "cache_creation_tokens": 17162}),
            [Some(17165), Some(163), Some(0), Some(17162), None],
        ),
    ] {
        assert_eq!(tokens(attributes.clone()), expected, "{attributes}");
    }
}

#[test]
fn the_ai_sdk_hands_on_what_anthropic_counts_until_it_divides_the_input() {
    let before = json!({"ai.model.id": "claude-sonnet-4-5", "ai.usage.promptTokens": 50, "ai.usage.completionTokens": 5,
        "ai.response.providerMetadata": "{\"anthropic\":{\"cacheReadInputTokens\":40,\"cacheCreationInputTokens\":10}}"});
    let after = json!({"ai.model.id": "claude-sonnet-4-5", "ai.usage.inputTokens": 100, "ai.usage.outputTokens": 5,
        "ai.usage.inputTokenDetails.cacheReadTokens": 40, "ai.usage.inputTokenDetails.cacheWriteTokens": 10,
        "ai.response.providerMetadata": "{\"anthropic\":{\"cacheReadInputTokens\":40}}"});
    assert_eq!(tokens(before), [Some(100), Some(5), Some(40), Some(10), None]);
    assert_eq!(tokens(after), [Some(100), Some(5), Some(40), Some(10), None]);
}

#[test]
fn details_of_a_usage_are_not_added_to_it() {
    assert_eq!(
        tokens(json!({"gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 159,
            "gen_ai.usage.details.input_tokens": 40, "gen_ai.usage.details.output_tokens": 38,
            "gen_ai.usage.details.thoughts_tokens": 121, "gen_ai.usage.details.cache_read_tokens": 16})),
        [Some(40), Some(159), Some(16), None, Some(121)]
    );
}

#[test]
fn numbers_that_can_not_be_true_are_none_and_the_next_name_has_its_turn() {
    for (value, expected) in [
        (json!("12"), Some(12)),
        (json!(" 12.0 "), Some(12)),
        (json!(12.0), Some(12)),
        (json!(0), Some(0)),
        (json!(-1), None),
        (json!("NaN"), None),
        (json!("many"), None),
        (json!(1.5), None),
        (json!(9_007_199_254_740_993_i64), None),
        (json!(1e300), None),
        (json!(true), None),
        (Object::Null, None),
    ] {
        assert_eq!(tokens(json!({"llm.token_count.prompt": value}))[0], expected, "{value}");
    }
    assert_eq!(tokens(json!({"llm.token_count.prompt": -1, "gen_ai.usage.input_tokens": "7"}))[0], Some(7));
}

#[test]
fn costs_as_totals_parts_and_texts() {
    for (attributes, expected) in [
        (json!({"llm.cost.total": "0.25", "llm.cost.prompt": 0.5}), Some(0.25)),
        (json!({"llm.cost.prompt": 0.5, "llm.cost.completion": "$0.25"}), Some(0.75)),
        (json!({"langfuse.observation.cost_details": {"input": 0.5, "output": 0.25}}), Some(0.75)),
        (json!({"langfuse.observation.cost_details": "{\"input\":0.5,\"total\":1}"}), Some(1.0)),
        (json!({"mlflow.llm.cost": "{\"input_cost\":0.5,\"output_cost\":0.25,\"total_cost\":0.75}"}), Some(0.75)),
        (json!({"ai.response.providerMetadata": "{\"gateway\":{\"cost\":\"0.5\"}}"}), Some(0.5)),
        (json!({"llm.cost.total": -1}), None),
        (json!({"llm.cost.total": "inf"}), None),
        // What a whole trace cost is not what its root did.
        (json!({"mlflow.trace.cost": "{\"total_cost\":3}"}), None),
    ] {
        assert_eq!(span(attributes.clone()).with(|mapped| [mapped.cost()]), [expected], "{attributes}");
    }
}

#[test]
fn a_framework_hides_no_provider() {
    let provider =
        |attributes: Object| span(attributes).with(|mapped| mapped.text(Field::Provider).map(Cow::into_owned));
    for (attributes, expected) in [
        (
            json!({"llm.provider": "langchain", "metadata": "{\"ls_provider\":\"anthropic\",\"langgraph_step\":1}"}),
            Some("anthropic"),
        ),
        (
            json!({"gen_ai.system": "Langchain", "traceloop.association.properties.ls_provider": "openai"}),
            Some("openai"),
        ),
        (json!({"gen_ai.provider.name": "microsoft.agent_framework", "llm.system": "openai"}), Some("openai")),
        (json!({"gen_ai.system": "langchain"}), Some("langchain")),
        (json!({"metadata": "not JSON with ls_provider"}), None),
    ] {
        assert_eq!(provider(attributes.clone()).as_deref(), expected, "{attributes}");
    }
}

#[test]
fn the_type_of_a_span_follows_the_most_telling_word() {
    for (attributes, expected) in [
        // The vendor's word, then OpenInference's, then the operation.
        (json!({"langfuse.observation.type": "generation", "openinference.span.kind": "CHAIN"}), "LLM"),
        (json!({"langfuse.observation.type": "span", "openinference.span.kind": "CHAIN"}), "CHAIN"),
        (json!({"openinference.span.kind": "AGENT", "gen_ai.operation.name": "chat"}), "AGENT"),
        (json!({"mlflow.spanType": "\"CHAT_MODEL\""}), "LLM"),
        (json!({"mlflow.spanType": "UNKNOWN", "gen_ai.request.model": "m"}), "LLM"),
        (json!({"traceloop.span.kind": "workflow"}), "CHAIN"),
        (json!({"llm.request.type": "chat", "gen_ai.request.model": "m"}), "LLM"),
        (json!({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m"}), "EMBEDDING"),
        // An operation of the AI SDK without a model is any web request that was named so; a tool needs none.
        (json!({"ai.operationId": "ai.generateText"}), "SPAN"),
        (json!({"ai.operationId": "ai.toolCall"}), "TOOL"),
        // A call that is reported twice counts once, whatever another exporter calls the outer span.
        (json!({"ai.operationId": "ai.generateText", "ai.model.id": "m"}), "AGENT"),
        (json!({"ai.operationId": "ai.streamText", "ai.model.id": "m", "openinference.span.kind": "LLM"}), "AGENT"),
        (json!({"ai.operationId": "ai.generateObject", "ai.model.id": "m", "gen_ai.operation.name": "chat"}), "CHAIN"),
        (json!({"ai.operationId": "ai.streamText.doStream", "ai.model.id": "m"}), "LLM"),
        // Nobody's word: a tool's name, then a model.
        (json!({"gen_ai.tool.name": "f", "gen_ai.request.model": "m"}), "TOOL"),
        (json!({"gen_ai.request.model": "m"}), "LLM"),
        (json!({"tool_name": "f"}), "SPAN"),
        (json!({"http.method": "GET"}), "SPAN"),
    ] {
        assert_eq!(span(attributes.clone()).with(|mapped| mapped.span_type().to_owned()), expected, "{attributes}");
    }
}

#[test]
fn the_dialect_is_the_most_specific_convention() {
    let dialect =
        |attributes: Object, scope| Span { scope, ..span(attributes) }.with(|mapped| mapped.dialect().to_owned());
    for (attributes, scope, expected) in [
        (json!({"ai.operationId": "ai.generateText", "gen_ai.system": "openai"}), None, "vercel"),
        (json!({"gen_ai.request.model": "m"}), Some("pydantic-ai"), "logfire"),
        (json!({"openinference.span.kind": "LLM", "inference.llm.model_name": "m"}), None, "openinference"),
        (json!({"inference.llm.model_name": "m"}), None, "inference"),
        (
            json!({"gen_ai.request.model": "m", "session.id": "s", "user.id": "u", "error.type": "E"}),
            None,
            "otel_genai",
        ),
        (json!({"traceloop.span.kind": "task", "gen_ai.system": "openai"}), None, "traceloop"),
        // Langfuse's SDK marks spans of everybody with the trace's name and session.
        (
            json!({"openinference.span.kind": "LLM", "langfuse.session.id": "s", "langfuse.observation.level": "DEFAULT"}),
            None,
            "openinference",
        ),
        (json!({"langfuse.observation.type": "tool", "gen_ai.tool.name": "f"}), None, "langfuse"),
        (json!({"mlflow.spanType": "LLM"}), None, "mlflow"),
        (json!({"session.id": "s", "events": "[]", "metadata": "{}"}), None, "other"),
        (json!({"gen_ai.request.temperature": 1}), None, "otel_genai"),
    ] {
        assert_eq!(dialect(attributes.clone(), scope), expected, "{attributes}");
    }
}

#[test]
fn finish_reasons_as_list_text_and_json() {
    let reason = |value: Object| {
        span(json!({"gen_ai.response.finish_reasons": value})).with(|mapped| mapped.first_text(Field::FinishReason))
    };
    for (value, expected) in [
        (json!(["length", "stop"]), Some("length")),
        (json!("stop"), Some("stop")),
        (json!("[\"tool_calls\"]"), Some("tool_calls")),
        (json!("['stop']"), Some("stop")),
        (json!("{\"type\":\"max_tokens\"}"), Some("max_tokens")),
        (json!(""), None),
    ] {
        assert_eq!(reason(value.clone()).as_deref(), expected, "{value}");
    }
}

#[test]
fn a_reply_that_is_json_stays_a_text() {
    for reply in [r#"{"answer": 4, "messages": []}"#, r#"["a", "b"]"#, r#"[{"text": "x"}]"#, r#"{"content": "x"}"#] {
        let output = span(json!({"openinference.span.kind": "LLM", "output.value": reply}));
        let messages = output.with(|mapped| mapped.output_messages("LLM"));
        assert_eq!(messages, [ChatMessage::said("assistant", reply)]);
        assert_eq!(
            output.with(|mapped| mapped.output_summary("LLM")).filter(|reply| reply.role == "assistant"),
            None,
            "{reply}"
        );
    }
}

#[test]
fn an_agent_shows_what_it_was_asked_and_what_it_answered() {
    let agent = span(json!({
        "openinference.span.kind": "AGENT", "input.value": "[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"Weather?\"}]",
        "output.value": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"c\",\"name\":\"f\",\"arguments\":{}}]},\
            {\"role\":\"tool\",\"parts\":[{\"type\":\"tool_call_response\",\"id\":\"c\",\"response\":\"3\"}]},\
            {\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"Cold.\"}]}]"
    }));
    let asked = agent.columns().remove("input");
    let answered = agent.with(|mapped| mapped.output_summary("AGENT")).and_then(|reply| reply.text);
    assert_eq!((asked.as_deref(), answered.as_deref()), (Some("Weather?"), Some("Cold.")));
    // What is no conversation stays what it is.
    let plain = span(
        json!({"openinference.span.kind": "AGENT", "input.value": "{\"task\":1}", "output.value": "{\"done\":true}"}),
    );
    assert_eq!(plain.columns().remove("input").as_deref(), Some("{\"task\":1}"));
    assert_eq!(plain.with(|mapped| mapped.output_summary("AGENT")), None);
}

#[test]
fn the_input_of_a_model_call_is_what_was_said_last_to_it() {
    let user = |text: &str| format!(r#"{{"role":"user","content":"{text}"}}"#);
    let system = r#"{"role":"system","content":"S"}"#;
    for (messages, expected) in [
        (format!("[{system},{}]", user("U")), Some(("U", "2"))),
        (format!("[{},{system}]", user("U")), Some(("U", "2"))),
        (format!("[{system}]"), Some(("S", "1"))),
        (format!(r#"{{"system":"S","messages":[{}]}}"#, user("U")), Some(("U", "2"))),
        (r#"{"prompt":"U","system":"S"}"#.to_owned(), Some(("U", "2"))),
        (r#"["P","Q"]"#.to_owned(), Some(("Q", "2"))),
        // What holds no messages is one itself.
        ("[]".to_owned(), Some(("[]", "1"))),
        (r#"{"a":1}"#.to_owned(), Some((r#"{"a":1}"#, "1"))),
        ("just text".to_owned(), Some(("just text", "1"))),
        ("[broken".to_owned(), Some(("[broken", "1"))),
    ] {
        let columns = span(json!({"openinference.span.kind": "LLM", "llm.input_messages": messages.clone()})).columns();
        let column = |name: &str| columns.get(name).map(String::as_str);
        assert_eq!(column("input").zip(column("message_count")), expected, "{messages}");
    }
}
