//! A reply in the form of OpenAI's Responses API: items of output, whose pieces alternate.

use serde_json::{Value, json};

use super::completion::{Completion, call_id};

/// The events of the stream.
pub(super) fn events(completion: &Completion, number: usize) -> Vec<Value> {
    let response = |status: &str| json!({"id": format!("resp_{number}"), "object": "response", "status": status});
    let mut events = vec![json!({"type": "response.created", "response": response("in_progress")})];
    let output = output(completion, number);
    for (index, item) in output.iter().enumerate() {
        let mut opened = item.clone();
        for later in ["content", "encrypted_content"] {
            opened.as_object_mut().map(|fields| fields.remove(later));
        }
        if item["type"] == "function_call" {
            opened["arguments"] = json!("");
        }
        events.push(json!({"type": "response.output_item.added", "output_index": index, "item": opened}));
    }
    // Text, refusal or arguments of each item, cut alike so that their pieces alternate.
    let texts: Vec<String> = output.iter().map(text_of).collect();
    for (index, delta) in completion.alternate(&texts) {
        let item = &output[index];
        let kind = match (item["type"].as_str(), item.pointer("/content/0/type").and_then(Value::as_str)) {
            (Some("function_call"), _) => "function_call_arguments",
            (_, Some(part)) => part,
            _ => continue,
        };
        let kind = format!("response.{kind}.delta");
        events.push(json!({"type": kind, "item_id": item["id"], "output_index": index, "delta": delta}));
    }
    if let Some(error) = &completion.error {
        let mut failed = response("failed");
        failed["error"] = error.clone();
        events.push(json!({"type": "response.failed", "response": failed}));
        return events;
    }
    for (index, item) in output.iter().enumerate() {
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    }
    if completion.finish_reason.is_some() {
        let end = document(completion, number);
        let status = end["status"].as_str().unwrap_or_default();
        events.push(json!({"type": format!("response.{status}"), "response": end}));
    }
    events
}

/// The same as one document.
pub(super) fn document(completion: &Completion, number: usize) -> Value {
    let reason = completion.finish_reason.as_deref().filter(|reason| *reason != "completed");
    let status = match (&completion.error, reason) {
        (Some(_), _) => "failed",
        (None, Some(_)) => "incomplete",
        (None, None) => "completed",
    };
    json!({
        "id": format!("resp_{number}"),
        "object": "response",
        "status": status,
        "error": completion.error,
        "incomplete_details": reason.map(|reason| json!({"reason": reason})),
        "output": output(completion, number),
        "usage": completion.usage,
    })
}

fn output(completion: &Completion, number: usize) -> Vec<Value> {
    let mut output = Vec::new();
    if let Some(reasoning) = &completion.reasoning {
        output.push(
            json!({"type": "reasoning", "id": format!("rs_{number}"), "summary": [], "encrypted_content": reasoning}),
        );
    }
    let mut say = |part: Value| {
        output
            .push(json!({"type": "message", "id": format!("msg_{number}"), "role": "assistant", "status": "completed",
                           "content": [part]}));
    };
    if let Some(refusal) = &completion.refusal {
        say(json!({"type": "refusal", "refusal": refusal}));
    } else if !completion.text.is_empty() {
        say(json!({"type": "output_text", "text": completion.text, "annotations": []}));
    }
    for (index, (name, arguments)) in completion.calls.iter().enumerate() {
        let id = call_id(number, index);
        output.push(json!({"type": "function_call", "id": format!("fc_{number}_{index}"), "status": "completed",
                           "call_id": id, "name": name, "arguments": arguments}));
    }
    output
}

fn text_of(item: &Value) -> String {
    let part = &item["content"][0];
    let texts = [&item["arguments"], &part["text"], &part["refusal"]];
    texts.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
}
