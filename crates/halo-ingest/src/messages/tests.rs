//! Tables of the shapes that messages come in, and what each comes to.

use super::*;

fn call(id: &str, name: &str, arguments: &str) -> RequestedCall {
    RequestedCall { id: id.into(), name: name.into(), arguments: arguments.into() }
}

fn calling(calls: Vec<RequestedCall>) -> ChatMessage {
    ChatMessage { role: "assistant".into(), tool_calls: calls, ..ChatMessage::default() }
}

fn answering(id: &str, text: &str) -> ChatMessage {
    ChatMessage { tool_call_id: Some(id.into()), ..ChatMessage::said("tool", text) }
}

fn one(json: &str) -> ChatMessage {
    with_parsed(json, read_message).unwrap()
}

fn all(json: &str) -> Vec<ChatMessage> {
    with_parsed(json, read_messages).unwrap()
}

fn reply(json: &str) -> Option<ChatMessage> {
    with_parsed(json, output_of).flatten()
}

#[test]
fn texts_and_roles_of_every_shape() {
    for (json, role, text) in [
        (r#"{"role":"user","content":"U"}"#, "user", "U"),
        (r#"{"role":"developer","content":"D"}"#, "developer", "D"),
        (r#"{"role":"reviewer","content":"R"}"#, "reviewer", "R"),
        (
            r#"{"role":"user","content":[{"type":"text","text":"A"},{"type":"image_url","image_url":{"url":"x"}},"B"]}"#,
            "user",
            "A\nB",
        ),
        (r#"{"message.role":"user","message.content":"M"}"#, "user", "M"),
        (
            r#"{"message.role":"user","message.contents":[{"message_content.type":"text","message_content.text":"P"}]}"#,
            "user",
            "P",
        ),
        (r#"{"message":{"role":"user","content":"W"}}"#, "user", "W"),
        // OTel GenAI.
        (
            r#"{"role":"user","parts":[{"type":"text","content":"P"},{"type":"blob","content":"AAAA"},{"type":"uri","uri":"u"}]}"#,
            "user",
            "P",
        ),
        (
            r#"{"role":"assistant","parts":[{"type":"reasoning","content":"Hm"},{"type":"text","content":"P"}]}"#,
            "assistant",
            "P",
        ),
        (r#"{"role":"assistant","parts":[{"type":"reasoning","content":"Hm"}]}"#, "assistant", "Hm"),
        // Anthropic.
        (
            r#"{"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"s"},{"type":"text","text":"T"}]}"#,
            "assistant",
            "T",
        ),
        // OpenAI's responses.
        (
            r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"O","annotations":[]}]}"#,
            "assistant",
            "O",
        ),
        (r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"I"}]}"#, "user", "I"),
        (r#"{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"Hm"}]}"#, "assistant", "Hm"),
        // LangChain.
        (r#"{"type":"human","content":"H"}"#, "user", "H"),
        (r#"{"type":"ai","data":{"content":"A","additional_kwargs":{}}}"#, "assistant", "A"),
        (
            r#"{"lc":1,"type":"constructor","id":["langchain_core","messages","SystemMessage"],"kwargs":{"content":"S"}}"#,
            "system",
            "S",
        ),
        (
            r#"{"lc":1,"type":"constructor","id":["langchain","schema","messages","AIMessageChunk"],"kwargs":{"content":[{"type":"text","text":"C"}]}}"#,
            "assistant",
            "C",
        ),
        // Gemini and Bedrock.
        (r#"{"role":"model","parts":[{"text":"Hm","thought":true},{"text":"G"}]}"#, "assistant", "G"),
        (r#"{"content":{"parts":[{"text":"G"}],"role":"model"},"index":0}"#, "assistant", "G"),
        (r#"{"role":"user","content":[{"text":"B"}]}"#, "user", "B"),
        // Logfire, LlamaIndex, the assistants API.
        (r#"{"event.name":"gen_ai.user.message","content":"L"}"#, "user", "L"),
        (r#"{"role":"user","blocks":[{"block_type":"text","text":"K"}]}"#, "user", "K"),
        (r#"{"role":"user","content":[{"type":"text","text":{"value":"V","annotations":[]}}]}"#, "user", "V"),
    ] {
        assert_eq!(one(json), ChatMessage::said(role, text), "{json}");
    }
}

#[test]
fn calls_of_every_shape() {
    let f = || vec![call("c1", "f", r#"{"a":1}"#)];
    for json in [
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}"#,
        r#"{"message":{"role":"assistant","tool_calls":[{"tool_call":{"id":"c1","function":{"name":"f","arguments":"{\"a\":1}"}}}]}}"#,
        r#"{"message.role":"assistant","message.tool_calls":[{"tool_call.id":"c1","tool_call.function.name":"f","tool_call.function.arguments":"{\"a\":1}"}]}"#,
        r#"{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"f","arguments":{"a":1}}]}"#,
        r#"{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"a":1}}]}"#,
        r#"{"type":"function_call","id":"fc_9","call_id":"c1","name":"f","arguments":"{\"a\":1}"}"#,
        r#"{"type":"ai","content":[{"type":"tool_use","id":"c1","name":"f","input":{"a":1}}],"tool_calls":[{"name":"f","args":{"a":1},"id":"c1"}]}"#,
        r#"{"lc":1,"id":["x","AIMessage"],"kwargs":{"content":"","additional_kwargs":{"tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{\"a\":1}"}}]}}}"#,
        r#"{"role":"assistant","content":[{"type":"tool-call","toolCallId":"c1","toolName":"f","input":{"a":1}}]}"#,
        r#"{"role":"assistant","content":[{"type":"tool-call","toolCallId":"c1","toolName":"f","args":{"a":1}}]}"#,
        r#"{"toolCallId":"c1","toolName":"f","input":"{\"a\":1}"}"#,
        r#"{"role":"assistant","content":[{"toolUse":{"toolUseId":"c1","name":"f","input":{"a":1}}}]}"#,
        r#"{"role":"model","parts":[{"functionCall":{"id":"c1","name":"f","args":{"a":1}}}]}"#,
    ] {
        let mut read = one(json);
        // An empty content is not nothing.
        read.text = read.text.filter(|text| !text.is_empty());
        assert_eq!(read, calling(f()), "{json}");
    }
    let nameless = || calling(vec![call("", "f", "{}")]);
    assert_eq!(one(r#"{"tool.name":"f","tool.args":"{}"}"#), nameless());
    assert_eq!(one(r#"{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}"#), nameless());
}

#[test]
fn results_of_every_shape() {
    for json in [
        r#"{"role":"tool","tool_call_id":"c1","content":"{\"ok\":true}"}"#,
        r#"{"message.role":"tool","message.tool_call_id":"c1","message.content":"{\"ok\":true}"}"#,
        r#"{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":{"ok":true}}]}"#,
        r#"{"role":"user","parts":[{"type":"tool_call_response","id":"c1","result":{"ok":true}}]}"#,
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"{\"ok\":true}"}]}]}"#,
        r#"{"type":"function_call_output","call_id":"c1","output":"{\"ok\":true}"}"#,
        r#"{"type":"tool","tool_call_id":"c1","id":"m-7","content":"{\"ok\":true}"}"#,
        r#"{"role":"tool","content":[{"type":"tool-result","toolCallId":"c1","toolName":"f","result":{"ok":true}}]}"#,
        r#"{"role":"tool","content":[{"type":"tool-result","toolCallId":"c1","toolName":"f","output":{"type":"json","value":{"ok":true}}}]}"#,
        r#"{"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[{"json":{"ok":true}}],"status":"success"}}]}"#,
        r#"{"role":"user","parts":[{"functionResponse":{"id":"c1","name":"f","response":{"ok":true}}}]}"#,
        r#"{"event.name":"gen_ai.tool.message","role":"tool","id":"c1","content":{"ok":true}}"#,
    ] {
        assert_eq!(one(json), answering("c1", r#"{"ok":true}"#), "{json}");
    }
}

#[test]
fn several_results_and_failed_ones_are_told_apart() {
    let read = one(
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":"gone","is_error":true}]}"#,
    );
    assert_eq!(
        (read.role.as_str(), read.text.as_deref(), read.tool_call_id.as_deref()),
        ("tool", Some("1\ngone"), Some("a"))
    );
    let told: Vec<_> = read.tool_results.iter().map(|result| (result.call_id.as_str(), result.failed)).collect();
    assert_eq!(told, [("a", false), ("b", true)]);
    // With words beside it, it is the user who speaks.
    let mixed = one(
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"text","text":"Go on."}]}"#,
    );
    assert_eq!((mixed.role.as_str(), mixed.text.as_deref()), ("user", Some("1\nGo on.")));
}

#[test]
fn lists_in_requests_and_responses() {
    let u = || vec![ChatMessage::said("user", "U")];
    let with_system = || vec![ChatMessage::said("system", "S"), ChatMessage::said("user", "U")];
    for (json, expected) in [
        (r#"[{"role":"user","content":"U"}]"#, u()),
        (r#"[[{"role":"user","content":"U"}]]"#, u()),
        (r#"{"role":"user","content":"U"}"#, u()),
        (r#"{"model":"m","messages":[{"role":"user","content":"U"}],"tools":[]}"#, u()),
        (r#"{"system":"S","messages":[{"role":"user","content":"U"}]}"#, with_system()),
        (r#"{"system":[{"type":"text","text":"S"}],"messages":[{"role":"user","content":"U"}]}"#, with_system()),
        (r#"{"system":"S","messages":[{"role":"system","content":"S"},{"role":"user","content":"U"}]}"#, with_system()),
        (r#"{"instructions":"S","input":[{"role":"user","content":"U"}]}"#, with_system()),
        (r#"{"config":{"system_instruction":"S"},"contents":[{"parts":[{"text":"U"}],"role":"user"}]}"#, with_system()),
        (
            r#"{"systemInstruction":{"parts":[{"text":"S"}]},"contents":[{"parts":[{"text":"U"}],"role":"user"}]}"#,
            with_system(),
        ),
        (r#"{"inputs":{"messages":[{"role":"user","content":"U"}]}}"#, u()),
        (r#"{"messages":[["user","U"]]}"#, vec![]),
        (r#"{"temperature":0}"#, vec![]),
        ("[]", vec![]),
    ] {
        assert_eq!(all(json), expected, "{json}");
    }
    // Prompts that are a text have no role of their own.
    for json in [r#"{"prompt":"U"}"#, r#"{"input":"U"}"#, r#"{"contents":"U"}"#] {
        assert_eq!(all(json), [ChatMessage::said("", "U")], "{json}");
    }
}

#[test]
fn replies_in_responses() {
    let said = |reason: Option<&str>| ChatMessage {
        finish_reason: reason.map(str::to_owned),
        ..ChatMessage::said("assistant", "A")
    };
    for (json, expected) in [
        (
            r#"{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"A"}}]}"#,
            said(Some("stop")),
        ),
        (
            r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"A"}],"stop_reason":"end_turn"}"#,
            said(Some("end_turn")),
        ),
        (
            r#"{"output":{"message":{"role":"assistant","content":[{"text":"A"}]}},"stopReason":"end_turn"}"#,
            said(Some("end_turn")),
        ),
        (
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"A"}]},"finishReason":"STOP"}]}"#,
            said(Some("STOP")),
        ),
        (r#"{"content":{"role":"model","parts":[{"text":"A"}]},"finish_reason":"STOP"}"#, said(Some("STOP"))),
        (
            r#"{"output":[{"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"A"}]}]}"#,
            said(None),
        ),
        (
            r#"{"generations":[[{"text":"A","generation_info":{"finish_reason":"stop"},"message":{"lc":1,"type":"constructor","id":["x","AIMessage"],"kwargs":{"content":"A"}}}]]}"#,
            said(Some("stop")),
        ),
        (
            r#"[{"role":"assistant","parts":[{"type":"text","content":"A"}],"finish_reason":"length"}]"#,
            said(Some("length")),
        ),
    ] {
        assert_eq!(reply(json), Some(expected), "{json}");
    }
    // Of several candidates the first; of several items of one reply all calls.
    assert_eq!(
        reply(
            r#"{"choices":[{"message":{"role":"assistant","content":"A"}},{"message":{"role":"assistant","content":"B"}}]}"#
        ),
        Some(said(None))
    );
    let two = vec![call("a", "f", "{}"), call("b", "g", "{}")];
    for json in [
        r#"{"output":[{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call","call_id":"b","name":"g","arguments":"{}"}]}"#,
        r#"[{"toolCallId":"a","toolName":"f","args":"{}"},{"toolCallId":"b","toolName":"g","args":"{}"}]"#,
        r#"[{"tool.name":"f","tool.args":"{}","tool.id":"a"},{"tool.name":"g","tool.args":{},"tool.id":"b"}]"#,
    ] {
        assert_eq!(reply(json).map(|reply| reply.tool_calls), Some(two.clone()), "{json}");
    }
    assert_eq!(reply(r#"{"answer":42}"#), None);
}

#[test]
fn where_the_output_of_a_conversation_starts() {
    let start = |json: &str| with_parsed(json, output_start).unwrap();
    assert_eq!(start(r#"[{"role":"user"},{"role":"assistant"},{"role":"user"},{"role":"assistant"}]"#), 3);
    assert_eq!(start(r#"[{"role":"user"},{"role":"tool"}]"#), 2);
    assert_eq!(start(r#"[{"role":"user"},{"event.name":"gen_ai.choice"},{"event.name":"gen_ai.choice"}]"#), 1);
}

#[test]
fn tool_names_in_every_shape() {
    for (json, expected) in [
        (r#"[{"type":"function","function":{"name":"a"}},{"type":"function","name":"b"}]"#, "a b"),
        (r#"["{\"name\":\"a\"}","b"]"#, "a b"),
        (r#"[{"tool.name":"W"}]"#, "W"),
        (r#"[{"name":"a","input_schema":{"type":"object"}}]"#, "a"),
        (r#"[{"toolSpec":{"name":"a","inputSchema":{}}}]"#, "a"),
        (r#"{"toolConfig":{"tools":[{"toolSpec":{"name":"a"}}]},"messages":[]}"#, "a"),
        (r#"[{"functionDeclarations":[{"name":"a"},{"name":"b"}]}]"#, "a b"),
        (r#"{"config":{"tools":[{"function_declarations":[{"name":"a"}]}]},"contents":[]}"#, "a"),
        (r#"{"function_tools":[{"name":"a"}],"output_tools":[{"name":"final"}]}"#, "a final"),
        (r#"{"temperature":0,"tools":[{"function":{"name":"a"}}]}"#, "a"),
        (r#"{"type":"function","function":{"name":"a"}}"#, "a"),
        (r#"{"temperature":0}"#, ""),
    ] {
        let mut names = Vec::new();
        tool_names(json, &mut names);
        assert_eq!(names.join(" "), expected, "{json}");
    }
}

#[test]
fn calls_are_shown_where_there_is_no_text() {
    let asked = calling(vec![call("c1", "f", "{ \"a\": 1 }")]);
    assert_eq!(asked.shown().as_deref(), Some(r#"[{"id":"c1","name":"f","arguments":"{\"a\":1}"}]"#));
    let emptily = ChatMessage { text: Some(String::new()), ..asked.clone() };
    assert_eq!(emptily.shown(), asked.shown());
}
