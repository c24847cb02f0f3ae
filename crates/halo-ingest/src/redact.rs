//! Masking of secrets and personal data in everything that a line says, before anything is made of it.

use halo_redact::{RedactionCounts, Redactor};
use simd_json::Node;

/// Masks texts and counts what it masked.
#[derive(Debug)]
pub(crate) struct Masker {
    redactor: Redactor,
    pub(crate) counts: RedactionCounts,
    /// The texts that stand for others.
    masked: Vec<(usize, String)>,
}

/// What is open around a node: an object or array with this many values to come.
struct Open {
    is_object: bool,
    left: usize,
}

impl Masker {
    pub(crate) fn new(redactor: &Redactor) -> Self {
        Self { redactor: redactor.clone(), counts: RedactionCounts::default(), masked: Vec::new() }
    }

    /// Masks a text that stands alone.
    pub(crate) fn text(&mut self, text: &str) -> String {
        self.redactor.redact_counted(text, &mut self.counts).into_owned()
    }

    /// Masks all texts of a parsed value. The result borrows from this masker where a text was masked.
    pub(crate) fn value<'n>(&'n mut self, nodes: &[Node<'n>]) -> Vec<Node<'n>> {
        self.masked.clear();
        self.find(nodes);
        let mut nodes = nodes.to_vec();
        for (at, text) in &self.masked {
            nodes[*at] = Node::String(text);
        }
        nodes
    }

    /// Finds the texts to mask. A text is looked at with the name that it has: of a member its key, of an OTLP attribute its `key`.
    fn find(&mut self, nodes: &[Node<'_>]) {
        let mut open: Vec<Open> = Vec::new();
        let mut name = "";
        let mut attribute = "";
        let mut at = 0;
        while at < nodes.len() {
            while open.pop_if(|open| open.left == 0).is_some() {}
            if let Some(around) = open.last_mut() {
                around.left -= 1;
                if around.is_object {
                    if let Node::String(key) = nodes[at] {
                        name = key;
                    }
                    at += 1;
                }
            }
            match nodes.get(at) {
                Some(Node::Object { len, .. }) => open.push(Open { is_object: true, left: *len }),
                Some(Node::Array { len, .. }) => open.push(Open { is_object: false, left: *len }),
                Some(Node::String(text)) => {
                    if name == "key" {
                        attribute = text;
                    }
                    let called = if matches!(name, "stringValue" | "string_value") { attribute } else { name };
                    if let std::borrow::Cow::Owned(masked) = self.redactor.redact_field(called, text, &mut self.counts)
                    {
                        self.masked.push((at, masked));
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn texts_of_members_lists_and_otlp_attributes_are_masked() {
        let mut masker = Masker::new(&Redactor::builtin().unwrap());
        let check = |masker: &mut Masker, json: &str| {
            let mut bytes = json.as_bytes().to_vec();
            let tape = simd_json::to_tape(&mut bytes).unwrap();
            let nodes = masker.value(&tape.0);
            let mut out = String::new();
            Json::of(&nodes).write(&mut out);
            out
        };
        let plain = r#"{"a":[1,"b",{"c":"d"}],"e":{},"f":[],"g":"h"}"#;
        assert_eq!(check(&mut masker, plain), plain);
        let mail = check(&mut masker, r#"{"a":[[],"ada@example.org"],"b":"ada@example.org"}"#);
        let mark = masker.text("ada@example.org");
        assert_eq!(mail, format!(r#"{{"a":[[],"{mark}"],"b":"{mark}"}}"#));
        let otlp = r#"{"attributes":[{"key":"db.password","value":{"stringValue":"hunter2-x"}},{"key":"n","value":{"stringValue":"hunter2-x"}}]}"#;
        let masked = check(&mut masker, otlp);
        assert_eq!(masked.matches("hunter2-x").count(), 1, "{masked}");
    }
}
