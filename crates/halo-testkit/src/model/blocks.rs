//! A reply in the form of Anthropic's Messages API: blocks of content, whose pieces alternate.

use serde_json::{Value, json};

use super::completion::{Completion, call_id};

/// The events of the stream.
pub(super) fn events(completion: &Completion, number: usize) -> Vec<Value> {
    let mut begun = document(completion, number);
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    let mut events = vec![json!({"type": "message_start", "message": begun}), json!({"type": "ping"})];
    let blocks = content(completion, number);
    for (index, block) in blocks.iter().enumerate() {
        let mut opened = block.clone();
        for (key, empty) in
            [("text", json!("")), ("thinking", json!("")), ("signature", json!("")), ("input", json!({}))]
        {
            if let Some(field) = opened.get_mut(key) {
                *field = empty;
            }
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": opened}));
    }
    let delta = |index: usize, kind: &str, key: &str, piece: &str| {
        let delta = json!({"type": kind, key: piece});
        json!({"type": "content_block_delta", "index": index, "delta": delta})
    };
    // Text, thought or input of each block, cut alike so that their pieces alternate.
    let texts: Vec<String> = blocks.iter().map(|block| text_of(block, completion, number)).collect();
    for (index, piece) in completion.alternate(&texts) {
        events.push(match blocks[index]["type"].as_str() {
            Some("tool_use") => delta(index, "input_json_delta", "partial_json", &piece),
            Some("thinking") => delta(index, "thinking_delta", "thinking", &piece),
            _ => delta(index, "text_delta", "text", &piece),
        });
    }
    for (index, block) in blocks.iter().enumerate() {
        if let Some(signature) = block["signature"].as_str() {
            events.push(delta(index, "signature_delta", "signature", signature));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    if let Some(error) = &completion.error {
        events.push(json!({"type": "error", "error": error}));
        return events;
    }
    if let Some(reason) = &completion.finish_reason {
        let usage = completion.usage.clone().unwrap_or_else(|| json!({}));
        events.push(
            json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": usage}),
        );
        events.push(json!({"type": "message_stop"}));
    }
    events
}

/// The same as one document.
pub(super) fn document(completion: &Completion, number: usize) -> Value {
    if let Some(error) = &completion.error {
        return json!({"type": "error", "error": error});
    }
    json!({
        "type": "message",
        "id": format!("msg_{number}"),
        "role": "assistant",
        "content": content(completion, number),
        "stop_reason": completion.finish_reason,
        "usage": completion.usage,
    })
}

fn content(completion: &Completion, number: usize) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(reasoning) = &completion.reasoning {
        blocks.push(json!({"type": "thinking", "thinking": reasoning, "signature": format!("signature-{number}")}));
    }
    let text = completion.refusal.as_ref().unwrap_or(&completion.text);
    if !text.is_empty() {
        blocks.push(json!({"type": "text", "text": text}));
    }
    for (index, (name, arguments)) in completion.calls.iter().enumerate() {
        // In one document there is no way to say what is no JSON.
        let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
        blocks.push(json!({"type": "tool_use", "id": call_id(number, index), "name": name, "input": input}));
    }
    blocks
}

fn text_of(block: &Value, completion: &Completion, number: usize) -> String {
    let called = |(index, _): &(usize, &(String, String))| block["id"] == call_id(number, *index).as_str();
    let call = completion.calls.iter().enumerate().find(called).map(|(_, (_, arguments))| arguments.as_str());
    let texts = [block["text"].as_str(), block["thinking"].as_str(), call];
    texts.into_iter().flatten().next().unwrap_or_default().to_owned()
}
