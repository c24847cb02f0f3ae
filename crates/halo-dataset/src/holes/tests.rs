//! Holes that are written are filled again.

use super::*;

struct Parts {
    shape: &'static str,
    ids: &'static str,
    texts: &'static [&'static str],
    spelling: Spelling,
}

impl MessageParts for &Parts {
    fn shape(&self) -> Option<&str> {
        Some(self.shape)
    }
    fn spelling(&self) -> Spelling {
        self.spelling
    }
    fn id(&self, number: usize) -> &str {
        self.ids.split(ID_END).nth(number).unwrap()
    }
    fn text(&self, number: usize) -> &str {
        self.texts[number]
    }
}

struct Row {
    texts: &'static [&'static str],
    input: &'static [Parts],
    extra: &'static [Parts],
}

impl RowParts for Row {
    type Message<'a> = &'a Parts;
    fn text(&self, number: usize) -> &str {
        self.texts[number]
    }
    fn count(&self, list: MessageList) -> usize {
        match list {
            MessageList::Input => self.input.len(),
            MessageList::Output => 0,
            MessageList::Extra { count, .. } => count,
        }
    }
    fn message(&self, list: MessageList, index: usize) -> &Parts {
        match list {
            MessageList::Extra { first, .. } => &self.extra[first + index],
            _ => &self.input[index],
        }
    }
}

const PLAIN: Spelling = Spelling { spaced: false, ascii: false };

const ROW: Row = Row {
    texts: &["say \"hi\"", r#"{"b":[1]}"#],
    input: &[
        Parts { shape: r#"{"role":"user","content":{"halo$text":0}}"#, ids: "", texts: &["a\nb"], spelling: PLAIN },
        Parts {
            shape: r#"{"role": "tool", "tool_call_id": {"halo$id":1}, "content": {"halo$text":0}}"#,
            ids: "call_1\u{1f}call_2",
            texts: &["é"],
            spelling: Spelling { spaced: true, ascii: true },
        },
    ],
    extra: &[
        Parts { shape: r#"{"message.role":"user","n":{"x":[1,"}"]}}"#, ids: "", texts: &[], spelling: PLAIN },
        Parts { shape: r#"{"message.content":{"halo$text":0}}"#, ids: "", texts: &["flat"], spelling: PLAIN },
    ],
};

#[test]
fn every_hole_is_filled() {
    let cases = [
        (r#"{"a":1,"b":"c"}"#, r#"{"a":1,"b":"c"}"#),
        (r#"{"a":{"halo$text":0},"b":2}"#, r#"{"a":"say \"hi\"","b":2}"#),
        (r#"{"a":{"halo$json":1}}"#, r#"{"a":{"b":[1]}}"#),
        (
            r#"{"m":{"halo$in":["[",",","]"]}}"#,
            r#"{"m":"[{\"role\":\"user\",\"content\":\"a\\nb\"},{\"role\": \"tool\", \"tool_call_id\": \"call_2\", \"content\": \"\\u00e9\"}]"}"#,
        ),
        (
            r#"{"m":{"halo$in":0}}"#,
            r#"{"m":[{"role":"user","content":"a\nb"},{"role": "tool", "tool_call_id": "call_2", "content": "\u00e9"}]}"#,
        ),
        (r#"{"m":{"halo$list":[1,1,"<","","\">"]}}"#, r#"{"m":"<{\"message.content\":\"flat\"}\">"}"#),
        (
            r#"{"x":1,"halo$flat:llm.m":[0,2],"y":2}"#,
            r#"{"x":1,"llm.m.0.message.role":"user","llm.m.0.n":{"x":[1,"}"]},"llm.m.1.message.content":"flat","y":2}"#,
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(fill(json, &ROW), expected, "{json}");
    }
}

#[test]
fn what_is_written_is_what_is_read() {
    let mut out = String::from("{\"a\":");
    let around = Around { before: "{\"model\": \"x\", \"messages\": [", between: ", ", after: "]}" };
    write_list_hole(&mut out, MessageList::Extra { first: 0, count: 1 }, Some(&around));
    out.push_str(",\"b\":");
    write_list_hole(&mut out, MessageList::Extra { first: 1, count: 1 }, None);
    out.push_str(",\"c\":");
    write_text_hole(&mut out, 0);
    out.push(',');
    write_flat_hole(&mut out, "p", MessageList::Extra { first: 1, count: 1 });
    out.push('}');
    assert_eq!(
        fill(&out, &ROW),
        r#"{"a":"{\"model\": \"x\", \"messages\": [{\"message.role\":\"user\",\"n\":{\"x\":[1,\"}\"]}}]}","b":[{"message.content":"flat"}],"c":"say \"hi\"","p.0.message.content":"flat"}"#
    );
    assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "any engine reads it as JSON: {out}");
}

#[test]
fn tool_calls_are_shown_without_blanks() {
    let message = Parts { shape: "{}", ids: "c1", texts: &["{\"a\": [1, 2]}"], spelling: PLAIN };
    let mut out = String::new();
    let calls = r#"[{"id":{"halo$id":0},"name":"f","arguments":{"halo$compact":0}}]"#;
    write_message_json(&mut out, calls, &&message);
    assert_eq!(out, r#"[{"id":"c1","name":"f","arguments":"{\"a\":[1,2]}"}]"#);
}

#[test]
fn one_member_is_found_without_the_rest() {
    let json = r#"{"a":{"halo$text":0},"b":[1,{"c":"}"}],"q\"":true,"halo$flat:llm.m":[0,2],"m":{"halo$in":0},"n":{"x":{"halo$json":1}}}"#;
    let cases = [
        ("a", Some(r#""say \"hi\"""#)),
        ("b", Some(r#"[1,{"c":"}"}]"#)),
        ("c", None),
        ("q\"", Some("true")),
        ("llm.m.0.message.role", Some("\"user\"")),
        ("llm.m.0.n", Some(r#"{"x":[1,"}"]}"#)),
        ("llm.m.1.message.content", Some("\"flat\"")),
        ("llm.m.1.message.role", None),
        ("llm.m.2.message.role", None),
        ("llm.m.x.message.role", None),
        ("llm.m", None),
        ("n", Some(r#"{"x":{"b":[1]}}"#)),
    ];
    let whole: serde_json::Value = serde_json::from_str(&fill(json, &ROW)).unwrap();
    for (key, expected) in cases {
        let found = get(json, key, &ROW);
        assert_eq!(found.as_deref(), expected, "{key}");
        let found = found.map(|found| serde_json::from_str::<serde_json::Value>(&found).unwrap());
        assert_eq!(found.as_ref(), whole.get(key), "{key}: the same as in the whole");
    }
    assert_eq!(get(r#"{"halo$json":1}"#, "b", &ROW).as_deref(), Some("[1]"));
    assert_eq!(get(r#"{"halo$json":1}"#, "a", &ROW), None);
    for broken in ["", "{", "[]", "{\"a\"", "{\"a\":", "{\"a\":1", "null", "{\"a\" :1}"] {
        assert_eq!(get(broken, "a", &ROW), None, "{broken}");
    }
}

#[test]
fn what_a_text_needs_is_told() {
    let mut told = Vec::new();
    let json = r#"{"a":{"halo$text":0},"b":{"halo$json":1},"halo$flat:p":[1,2],"m":{"halo$in":0},"o":{"halo$out":["","",""]}}"#;
    needs(json, &mut |need| told.push(need));
    let list = |first, count| Need::Messages(MessageList::Extra { first, count });
    let (input, output) = (Need::Messages(MessageList::Input), Need::Messages(MessageList::Output));
    assert_eq!(told, [Need::Text(0), Need::Text(1), list(1, 2), input, output]);
}
