//! One chat message to what is stored of it: who speaks, its text, its calls, and a shape from which it can be written again to the letter.

use halo_dataset::holes::{ID_END, MessageParts, may_have_holes, write_message};
use halo_dataset::{Comparison, Content, MessageDraft, Spelling, write_compact, write_string};

use crate::json::{Json, JsonKind, push_display, push_int, write_float};
use crate::messages::{ChatMessage, RequestedCall};

/// A text of a member with one of these names is a hole however short it is, so that messages that say different things have one shape.
const PAYLOAD_KEYS: &[&str] =
    &["content", "text", "arguments", "input", "output", "result", "response", "args", "message.content"];

/// A string of any other member is a hole from this length on.
const HOLE_BYTES_MIN: usize = 48;

/// Members that hold ids of calls: never the same twice, and short.
const ID_KEYS: &[&str] = &[
    "id",
    "tool_call_id",
    "call_id",
    "tool_use_id",
    "toolCallId",
    "toolUseId",
    "message.tool_call_id",
    "tool_call.id",
];

/// Longest id that is kept as one.
const ID_BYTES_MAX: usize = 64;

/// Buffers that are used again for every message.
#[derive(Debug, Default)]
pub(crate) struct ShapeBuffers {
    shape: String,
    calls: String,
    ids: Vec<String>,
    texts: Vec<u32>,
    scratch: String,
}

impl ShapeBuffers {
    /// Begins a message. The id of the call that it answers is the first of its ids.
    fn start(&mut self, message: &ChatMessage) {
        self.shape.clear();
        self.texts.clear();
        self.ids.clear();
        self.ids.extend(message.tool_call_id.clone().filter(|id| is_id("id", id)));
    }
}

/// A message as it was written.
pub(crate) struct Raw<'r, 't, 'i> {
    /// Its JSON.
    pub(crate) text: &'r str,
    /// The same, parsed.
    pub(crate) json: Json<'t, 'i>,
    /// The spelling that gives it back to the letter, where that is known already.
    pub(crate) spelling: Option<Spelling>,
}

/// Adds a message to the content. `raw` is its JSON as it was written; `None` when it stands nowhere as such.
pub(crate) fn add_message(
    content: &mut Content,
    buffers: &mut ShapeBuffers,
    message: &ChatMessage,
    raw: Option<Raw<'_, '_, '_>>,
) -> u32 {
    buffers.start(message);
    let spelling = raw.map(|raw| write_shape(content, buffers, message, &raw));
    let text = message.text.as_deref().filter(|text| !text.is_empty());
    let text = text.map(|text| text_of_shape(content, buffers, text).unwrap_or_else(|| content.texts.intern(text)));
    let has_calls = !message.tool_calls.is_empty();
    if has_calls {
        write_calls(content, buffers, &message.tool_calls);
    }
    buffers.scratch.clear();
    for (index, id) in buffers.ids.iter().enumerate() {
        if index > 0 {
            buffers.scratch.push(ID_END);
        }
        buffers.scratch.push_str(id);
    }
    content.add_message(&MessageDraft {
        role: Some(message.role.as_str()).filter(|role| !role.is_empty()),
        content: text,
        tool_calls: has_calls.then_some(buffers.calls.as_str()),
        ids: Some(buffers.scratch.as_str()).filter(|ids| !ids.is_empty()),
        shape: spelling.is_some().then_some(buffers.shape.as_str()),
        spelling: spelling.unwrap_or_default(),
        texts: &buffers.texts,
    })
}

/// The text among those of the shape, which is where it mostly stands: comparing is quicker than looking it up.
fn text_of_shape(content: &Content, buffers: &ShapeBuffers, text: &str) -> Option<u32> {
    buffers.texts.iter().copied().find(|number| content.texts.get(*number) == text)
}

/// Writes the shape of a message in the spelling in which it was written. When no spelling gives it back to the letter, the whole of it is
/// one text.
fn write_shape(
    content: &mut Content,
    buffers: &mut ShapeBuffers,
    message: &ChatMessage,
    Raw { text: raw, json, spelling }: &Raw<'_, '_, '_>,
) -> Spelling {
    if may_have_holes(raw) {
        if let Some(spelling) = *spelling {
            buffers.start(message);
            ShapeWriter { content, buffers, spelling }.value(None, *json);
            return spelling;
        }
        let has = |needle: &[u8]| memchr::memmem::find(raw.as_bytes(), needle).is_some();
        let looks_spaced = has(b"\": ");
        let looks_ascii = has(b"\\u");
        let mut spellings = Spelling::ALL;
        spellings.sort_by_key(|spelling| (spelling.spaced != looks_spaced, spelling.ascii != looks_ascii));
        for spelling in spellings {
            buffers.start(message);
            ShapeWriter { content, buffers, spelling }.value(None, *json);
            let mut written = Comparison::with(raw);
            write_message(&mut written, &Written { content, buffers, spelling });
            if written.is_same() {
                return spelling;
            }
        }
    }
    buffers.start(message);
    buffers.texts.push(content.texts.intern(raw));
    buffers.shape.push_str("{\"halo$json\":0}");
    Spelling::default()
}

struct ShapeWriter<'a> {
    content: &'a mut Content,
    buffers: &'a mut ShapeBuffers,
    spelling: Spelling,
}

impl ShapeWriter<'_> {
    /// Writes a value; `key` is the member that holds it. Depth is bounded by the parser.
    fn value(&mut self, key: Option<&str>, json: Json<'_, '_>) {
        let out = &mut self.buffers.shape;
        match json.kind() {
            JsonKind::Null => out.push_str("null"),
            JsonKind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            JsonKind::Int(value) => push_int(out, value),
            JsonKind::Big(value) => push_int(out, value),
            JsonKind::Float(value) => write_float(out, value),
            JsonKind::Text(text) => self.text(key, text),
            JsonKind::Object(entries) => {
                out.push('{');
                for (index, (name, value)) in entries.enumerate() {
                    if index > 0 {
                        self.buffers.shape.push_str(self.spelling.comma());
                    }
                    self.spelling.write_string(&mut self.buffers.shape, name);
                    self.buffers.shape.push_str(self.spelling.colon());
                    self.value(Some(name), value);
                }
                self.buffers.shape.push('}');
            }
            JsonKind::Array(items) => {
                out.push('[');
                for (index, value) in items.enumerate() {
                    if index > 0 {
                        self.buffers.shape.push_str(self.spelling.comma());
                    }
                    self.value(key, value);
                }
                self.buffers.shape.push(']');
            }
        }
    }

    fn text(&mut self, key: Option<&str>, text: &str) {
        let key = key.unwrap_or_default();
        if is_id(key, text) {
            let number = position_or_push(&mut self.buffers.ids, text);
            push_display(&mut self.buffers.shape, format_args!("{{\"halo$id\":{number}}}"));
        } else if text.len() >= HOLE_BYTES_MIN || (is_payload(key) && !text.is_empty()) {
            let number = self.buffers.texts.len();
            self.buffers.texts.push(self.content.texts.intern(text));
            push_display(&mut self.buffers.shape, format_args!("{{\"halo$text\":{number}}}"));
        } else {
            self.spelling.write_string(&mut self.buffers.shape, text);
        }
    }
}

fn is_payload(key: &str) -> bool {
    PAYLOAD_KEYS.contains(&key) || key.ends_with(".text") || key.ends_with(".arguments")
}

fn is_id(key: &str, text: &str) -> bool {
    (ID_KEYS.contains(&key) || key.ends_with(".id"))
        && (4..=ID_BYTES_MAX).contains(&text.len())
        && !text.contains(ID_END)
}

fn position_or_push(ids: &mut Vec<String>, id: &str) -> usize {
    ids.iter().position(|known| known == id).unwrap_or_else(|| {
        ids.push(id.to_owned());
        ids.len() - 1
    })
}

/// Writes tool calls as `[{id, name, arguments}]`, with the texts and ids that the shape has already.
fn write_calls(content: &mut Content, buffers: &mut ShapeBuffers, calls: &[RequestedCall]) {
    let out = &mut buffers.calls;
    out.clear();
    for (index, call) in calls.iter().enumerate() {
        out.push_str(if index == 0 { "[{\"id\":" } else { ",{\"id\":" });
        if is_id("id", &call.id) {
            let number = position_or_push(&mut buffers.ids, &call.id);
            push_display(out, format_args!("{{\"halo$id\":{number}}}"));
        } else {
            write_string(out, &call.id);
        }
        out.push_str(",\"name\":");
        write_string(out, &call.name);
        out.push_str(",\"arguments\":");
        let known = buffers.texts.iter().position(|known| content.texts.get(*known) == call.arguments);
        let number = known.unwrap_or_else(|| {
            buffers.texts.push(content.texts.intern(&call.arguments));
            buffers.texts.len() - 1
        });
        buffers.scratch.clear();
        write_compact(&mut buffers.scratch, &call.arguments);
        let hole = if buffers.scratch == call.arguments { "text" } else { "compact" };
        push_display(out, format_args!("{{\"halo${hole}\":{number}}}}}"));
    }
    out.push(']');
}

/// A message whose shape was just written.
struct Written<'a> {
    content: &'a Content,
    buffers: &'a ShapeBuffers,
    spelling: Spelling,
}

impl MessageParts for Written<'_> {
    fn shape(&self) -> Option<&str> {
        Some(&self.buffers.shape)
    }
    fn spelling(&self) -> Spelling {
        self.spelling
    }
    fn id(&self, number: usize) -> &str {
        self.buffers.ids.get(number).map_or("", String::as_str)
    }
    fn text(&self, number: usize) -> &str {
        self.buffers.texts.get(number).map_or("", |text| self.content.texts.get(*text))
    }
}
