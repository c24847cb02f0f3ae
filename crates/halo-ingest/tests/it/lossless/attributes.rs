//! Attributes as every convention writes them, and as nobody should.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Texts that have gone wrong somewhere once, or that look like what halo writes itself.
const TEXTS: &[&str] = &[
    "",
    " ",
    "null",
    "[]",
    "{}",
    "NaN",
    "[{}]",
    "[{}, {}]",
    "{\"halo$text\":0}",
    "halo$",
    "\"halo$in\":[\"\",\"\",\"\"]",
    "a text that says {\"halo$text\":0} in the middle of more than sixty-four bytes of other things",
    "[{\"role\":\"user\",\"content\":\"halo$ and a message that is longer than sixty-four bytes in all\"}]",
    "[{\"role\":\"user\",\"content\":\"1\"},{\"role\":\"user\",\"content\":\"2\"} , {\"role\":\"user\",\"content\":\"3\"}]",
    "[{\"role\": 'user', \"content\": \"what Python prints is not JSON, and it is often longer than that\"}]",
    "[{\"role\":\"user\",\"content\":\"cut in the middle of what is longer than sixty-four bytes",
    "  [ {\"role\":\"user\",\"content\":\"blanks before and after all of it\"} ,\n {\"n\":1.50,\"m\":1e5,\"x\":-0.0} ]  ",
    "{\"role\":\"user\",\"content\":\"\\u0041\\/ escapes that nobody needs, in a message of its own\",\"role\":\"twice\"}",
    "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"}],\"messages\":[{\"role\":\"user\",\"content\":\"twice\"}]}",
    "\"quoted\"",
    "\u{1f}",
    "a\u{0}b\u{7f}\u{85}\u{2028}\u{feff}",
    "line\r\nline\ttab \\ \" / é 😀 \u{10ffff}",
];

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(TEXTS).prop_map(str::to_owned),
        2 => ".{0,12}",
        2 => "[ -~]{60,90}",
        1 => "(é|😀|\n|\"|word ){30,60}",
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| if number.is_finite() { number.into() } else { json!(0) }),
        select(vec![
            json!(0),
            json!(-1),
            json!(1.0),
            json!(1e300),
            json!(5e-324),
            json!(-0.0),
            json!(1e16),
            json!(0.1)
        ]),
    ]
}

/// Any JSON.
pub(crate) fn anything() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text().prop_map(Value::from)];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Keys of attributes that nothing maps, or that only look like ones that are mapped.
pub(crate) fn key() -> impl Strategy<Value = String> {
    let odd = vec![
        String::new(),
        "x".to_owned(),
        "halo$text".to_owned(),
        "halo$flat:llm.input_messages".to_owned(),
        "a.halo$b".to_owned(),
        "quote \" and \\ and \n".to_owned(),
        "key".repeat(1500),
        "llm.input_messages".to_owned(),
        "llm.input_messages.0".to_owned(),
        "llm.input_messages.0.".to_owned(),
        "llm.input_messages.00.message.role".to_owned(),
        "llm.input_messages.+0.message.role".to_owned(),
        "llm.input_messages.+1.message.content".to_owned(),
        "llm.input_messages.1.message.halo$x".to_owned(),
        "llm.input_messages.9.message.content".to_owned(),
        "llm.input_messages.0.message.a\"b\\c".to_owned(),
        "llm.input_messages.0.message.é\n".to_owned(),
        "llm.output_messages.0.message.contents.0.message_content.text".to_owned(),
        "gen_ai.prompt.01.content".to_owned(),
        "gen_ai.prompt.18446744073709551616.content".to_owned(),
        "gen_ai.completion.0.tool_calls.0.id".to_owned(),
        "input.value".to_owned(),
        "output.value".to_owned(),
        "metadata".to_owned(),
        "tool_call_id".to_owned(),
    ];
    prop_oneof![4 => select(odd), 1 => ".{0,8}"]
}

fn call_id() -> impl Strategy<Value = String> {
    let long = "i".repeat(70);
    select(vec![
        "call_1".to_owned(),
        "call_2".to_owned(),
        "ab".to_owned(),
        String::new(),
        "a\u{1f}b\u{1f}c".to_owned(),
        "ïd-é😀".to_owned(),
        long,
    ])
}

/// A message in one of the shapes of the providers.
fn message() -> impl Strategy<Value = Value> {
    let role = select(vec!["system", "user", "assistant", "tool", "developer", "", "odd role"]);
    (role, text(), call_id(), anything(), 0..9_u8).prop_map(|(role, text, id, any, shape)| match shape {
        0 | 1 => json!({"role": role, "content": text}),
        2 => json!({"role": "assistant", "content": null, "tool_calls":
            [{"id": id, "type": "function", "function": {"name": "f", "arguments": text}}, {"id": "call_9", "function": {"name": "g", "arguments": "{ \"a\": 1 }"}}]}),
        3 => json!({"role": "tool", "tool_call_id": id, "content": text}),
        4 => json!({"role": role, "parts": [{"type": "text", "content": text}, {"type": "tool_call", "id": id, "name": "f", "arguments": any}]}),
        5 => json!({"role": role, "content": [{"type": "text", "text": text}, {"type": "tool_use", "id": id, "name": "f", "input": any}]}),
        6 => json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": text, "is_error": true}]}),
        7 => json!({"content": text, "more": any, "id": id, "n": [1.0, 1e300, 0, true, null]}),
        _ => any,
    })
}

pub(crate) fn messages() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(message(), 1..7)
}

/// A JSON text of a value as some library writes it.
pub(crate) fn spelled(value: &Value, spelling: u8) -> String {
    match spelling % 5 {
        0 => value.to_string(),
        1 => python(value, true),
        2 => python(value, false),
        3 => serde_json::to_string_pretty(value).unwrap(),
        _ => format!(" {}\n", value.to_string().replace("},{", "} , {")),
    }
}

/// As Python's `json.dumps` does, without or with `ensure_ascii=False`.
fn python(value: &Value, ascii: bool) -> String {
    let string = |text: &str| {
        let plain = serde_json::to_string(text).unwrap();
        let escape = |c: char| match c {
            c if c.is_ascii() || !ascii => c.to_string(),
            c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        };
        plain.chars().map(escape).collect::<String>()
    };
    match value {
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{}: {}", string(key), python(value, ascii))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| python(item, ascii)).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

/// Attributes of a model call in one of the conventions.
pub(crate) fn convention(number: u8, spelling: u8, input: &[Value], output: &Value) -> Map<String, Value> {
    let list = Value::from(input.to_vec());
    let (said, answered) = (spelled(&list, spelling), spelled(&json!([output]), spelling));
    let request = spelled(&json!({"model": "m", "messages": list, "temperature": 1.0}), spelling);
    let attributes = match number % 11 {
        0 => flattened(["llm.input_messages", "llm.output_messages", "message."], input, output, &request),
        1 => {
            json!({"openinference.span.kind": "LLM", "llm.input_messages": said, "llm.output_messages": [output], "input.value": request})
        }
        2 => json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.input.messages": list,
            "gen_ai.output.messages": [output], "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}]}),
        3 => json!({"gen_ai.operation.name": "chat", "gen_ai.input.messages": said, "gen_ai.output.messages": answered,
            "gen_ai.system_instructions": "Be brief.", "gen_ai.usage.input_tokens": "7"}),
        4 => flattened(["gen_ai.prompt", "gen_ai.completion", ""], input, output, &request),
        5 => json!({"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "m", "ai.prompt.messages": said,
            "ai.prompt": request, "ai.response.text": answered, "ai.response.toolCalls": answered}),
        6 => json!({"langfuse.observation.type": "generation", "langfuse.observation.input": said,
            "langfuse.observation.output": answered, "langfuse.observation.usage_details": "{\"input\": 5, \"output\": 6}"}),
        7 => {
            json!({"gen_ai.request.model": "m", "events": said, "pydantic_ai.all_messages": said, "all_messages_events": list,
            "request_data": request, "response_data": {"message": output}, "logfire.msg": "Chat with 'm'"})
        }
        8 => json!({"mlflow.spanType": "\"CHAT_MODEL\"", "mlflow.spanInputs": request, "mlflow.spanOutputs": answered,
            "mlflow.chat.messages": said, "mlflow.chat.tokenUsage": {"input_tokens": 5}}),
        9 => {
            json!({"inference.observation_kind": "LLM", "inference.llm.model_name": "m", "inference.llm.input_messages": said,
            "inference.input": request, "inference.output": answered, "inference.llm.input_tokens": 5})
        }
        _ => {
            json!({"openinference.span.kind": "AGENT", "input.value": said, "output.value": answered, "input.mime_type": "application/json"})
        }
    };
    attributes.as_object().unwrap().clone()
}

/// Messages flattened over attributes; `families` are those of input and output, and what stands before each member.
fn flattened(families: [&str; 3], input: &[Value], output: &Value, request: &str) -> Value {
    let [family, reply_family, inner] = families;
    let mut attributes = Map::new();
    attributes.insert("openinference.span.kind".to_owned(), "LLM".into());
    attributes.insert("input.value".to_owned(), request.into());
    let mut add = |family: &str, index: usize, message: &Value| {
        for (key, value) in message.as_object().into_iter().flatten() {
            attributes.insert(format!("{family}.{index}.{inner}{key}"), value.clone());
        }
    };
    input.iter().enumerate().for_each(|(index, message)| add(family, index, message));
    add(reply_family, 0, output);
    Value::Object(attributes)
}

/// Number of the convention, spelling, odd attributes, and which of the others is missing.
type Turn = (u8, u8, Vec<(String, Value)>, Option<Index>);

/// Attributes of the calls of a conversation whose history is sent again each turn, each in a convention of its own and with odd ones among
/// them.
pub(crate) fn calls() -> impl Strategy<Value = Vec<Map<String, Value>>> {
    let odd = prop::collection::vec((key(), anything()), 0..4);
    let turn = (0..11_u8, 0..5_u8, odd, prop::option::weighted(0.2, any::<Index>()));
    (messages(), any::<bool>(), prop::collection::vec(turn, 1..7)).prop_map(|(history, one_convention, turns)| {
        let first = turns[0].0;
        let call = |(turn, (number, spelling, odd, drop)): (usize, Turn)| {
            let until = 1 + turn % history.len();
            let output = &history[until % history.len()];
            let number = if one_convention { first } else { number };
            let mut attributes = convention(number, spelling, &history[..until], output);
            if let Some(drop) = drop {
                // A part of a flattened message is missing, or all of it.
                let key = attributes.keys().nth(drop.index(attributes.len())).cloned();
                key.and_then(|key| attributes.remove(&key));
            }
            attributes.extend(odd);
            attributes
        };
        turns.into_iter().enumerate().map(call).collect()
    })
}
