//! How a span was written, where that differs from the usual: with it an export gives the span back as it came.
//!
//! The usual of a flat line is what [`export`](crate::export) writes for a span without a form. A form is a JSON object:
//!
//! | member | meaning |
//! | --- | --- |
//! | `"otlp"` | the span came as OTLP; its value holds what stood around the span: `resource`, `resourceSpans`, `scope`, `scopeSpans` |
//! | `"without"` | keys of a flat line that the usual has and this one had not |
//! | `"as"` | values of keys that differ from the usual, as they came |

use crate::json::{Json, JsonKind, write_key, write_string};

/// What a flat line says of a span, and what the usual line of that span would say.
pub(crate) struct Usual<'t, 'i> {
    pub(crate) key: &'static str,
    /// The value as it came; `None` when the key was not there.
    pub(crate) came: Option<Json<'t, 'i>>,
    /// Whether it is what the usual line has.
    pub(crate) is_usual: bool,
}

/// The form of a flat line; `None` when it is the usual one.
pub(crate) fn flat(keys: &[Usual<'_, '_>]) -> Option<String> {
    if keys.iter().all(|key| key.is_usual) {
        return None;
    }
    let mut without = String::new();
    let mut differing = String::new();
    for Usual { key, came, .. } in keys.iter().filter(|key| !key.is_usual) {
        match came {
            None => {
                if !without.is_empty() {
                    without.push(',');
                }
                write_string(&mut without, key);
            }
            Some(value) => {
                let first = differing.is_empty();
                write_key(&mut differing, key, first);
                value.write(&mut differing);
            }
        }
    }
    let mut form = String::from("{");
    if !without.is_empty() {
        form.push_str("\"without\":[");
        form.push_str(&without);
        form.push(']');
    }
    if !differing.is_empty() {
        if form.len() > 1 {
            form.push(',');
        }
        form.push_str("\"as\":{");
        form.push_str(&differing);
        form.push('}');
    }
    form.push('}');
    Some(form)
}

/// Members of what stands around an OTLP span that no column holds, as members of the form; nothing that says nothing.
pub(crate) fn otlp_around(parts: &[(&str, Json<'_, '_>, &[&str])]) -> String {
    let mut form = String::new();
    for (name, value, known) in parts {
        let mut members = String::new();
        for (key, value) in value.entries().filter(|(key, value)| !known.contains(key) && !says_nothing(*value)) {
            let first = members.is_empty();
            write_key(&mut members, key, first);
            value.write(&mut members);
        }
        if !members.is_empty() {
            let first = form.is_empty();
            write_key(&mut form, name, first);
            form.push('{');
            form.push_str(&members);
            form.push('}');
        }
    }
    form
}

/// Whether a value is what protobuf takes for an absent one: null, empty, zero, false.
pub(crate) fn says_nothing(value: Json<'_, '_>) -> bool {
    match value.kind() {
        JsonKind::Null | JsonKind::Bool(false) | JsonKind::Int(0) => true,
        JsonKind::Text(text) => text.is_empty() || text == "0",
        JsonKind::Array(mut items) => items.next().is_none(),
        JsonKind::Object(mut entries) => entries.next().is_none(),
        JsonKind::Bool(true) | JsonKind::Int(_) | JsonKind::Big(_) | JsonKind::Float(_) => false,
    }
}
