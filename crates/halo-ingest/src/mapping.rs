//! The attributes of a span sorted into what they tell: one value for each field, its messages, and the convention it follows.
//!
//! Which attribute tells what is the table of `conventions`. What is here is how values are chosen where several speak, and the traps:
//! `mapping/usage.rs` for tokens and costs, `mapping/conversation.rs` for messages.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::attributes::{Attribute, Attributes, Value};
use crate::conventions::{
    Convention, FIELDS, Family, Field, Known, Rule, Wants, is_framework, span_type_of_kind, span_type_of_operation,
    span_type_of_vercel, sub_rules,
};
use crate::json::{Json, JsonKind, with_parsed};
use crate::key::Key;
use crate::messages::{EventMessages, Flattened, indexed};

mod conversation;
mod usage;

pub(crate) use conversation::MessagesAt;

/// A value that was chosen for a field.
#[derive(Debug, Clone)]
enum Held<'i> {
    /// As the attribute has it.
    Value(Value<'i>),
    /// Out of an attribute that is JSON.
    Count(i64),
    Amount(f64),
    Text(Box<str>),
}

/// The value of a field so far, and the rank of the rule that gave it.
#[derive(Debug, Clone)]
struct Slot<'i> {
    rank: u16,
    convention: Convention,
    held: Held<'i>,
}

/// Ranks of values that only count when there is nothing better.
const LAST_RESORT: u16 = u16::MAX / 2;

/// Attributes sorted into what they tell.
#[derive(Debug)]
pub(crate) struct Mapped<'a, 'i> {
    attributes: &'a Attributes<'i>,
    /// Events of the span as JSON text, for the messages in them.
    events: Option<&'a str>,
    read_events: OnceCell<EventMessages>,
    found: [Option<Slot<'i>>; FIELDS],
    /// The convention of the most specific telling attribute, and of any other.
    telling: Option<Convention>,
    hinted: Option<Convention>,
    input_messages: Flattened<'i>,
    output_messages: Flattened<'i>,
    offered_tools: Vec<(usize, Value<'i>)>,
    /// Whether the AI SDK says how its input tokens divide; it counts cached ones as input then.
    divides_input: bool,
    /// Whether the AI SDK's usage comes from Anthropic's API, which counts cached tokens apart.
    from_anthropic: bool,
}

impl<'a, 'i> Mapped<'a, 'i> {
    /// Sorts attributes. The name of the scope and the events (JSON text, as in the `events` column) tell what attributes leave open.
    pub(crate) fn of(attributes: &'a Attributes<'i>, scope_name: Option<&'a str>, events: Option<&'a str>) -> Self {
        let mut mapped = Self {
            attributes,
            events,
            read_events: OnceCell::new(),
            found: [const { None }; FIELDS],
            telling: scope_name.and_then(Convention::of_scope),
            hinted: None,
            input_messages: Flattened::default(),
            output_messages: Flattened::default(),
            offered_tools: Vec::new(),
            divides_input: false,
            from_anthropic: false,
        };
        for attribute in attributes.iter() {
            mapped.take(attribute);
        }
        mapped
    }

    fn take(&mut self, attribute: Attribute<'i>) {
        let Attribute { key, tells, value } = attribute;
        match tells.known {
            Some(Known::Rule(rule)) => self.take_value(attribute, rule),
            Some(Known::Parent(rule, convention)) => {
                self.hint(tells, convention);
                if let Some(rule) = rule {
                    self.take_value(attribute, rule);
                }
                self.take_parent(key, value);
            }
            None => self.take_other(attribute),
        }
    }

    fn take_value(&mut self, Attribute { key, tells, value }: Attribute<'i>, rule: Rule) {
        self.hint(tells, rule.convention);
        if rule.telling {
            self.tell(rule.convention);
        }
        if rule.field == Field::CachedInputTokens || rule.field == Field::CacheWriteTokens {
            self.divides_input |= key.starts_with("ai.usage.inputTokenDetails.");
        }
        if let Some(penalty) = self.penalty(rule, value) {
            self.hold(rule, penalty, Held::Value(value));
        }
    }

    /// What a value's rank loses; `None` when it can't stand for the field at all.
    fn penalty(&self, rule: Rule, value: Value<'i>) -> Option<u16> {
        if matches!(value, Value::Null | Value::Text("")) {
            return None;
        }
        let text = || self.attributes.text(value).map(|text| unquoted(text, rule.convention));
        match rule.field.wants() {
            Wants::Anything => Some(0),
            Wants::Count => usage::count_of(value).map(|_| 0),
            Wants::Amount => usage::amount_of(value).map(|_| 0),
            Wants::Kind => span_type_of_kind(&text()?).map(|_| 0),
            Wants::Operation => span_type_of_operation(&text()?).map(|_| 0),
            Wants::VercelOperation => span_type_of_vercel(&text()?).map(|_| 0),
            Wants::Provider => Some(if is_framework(&text()?) { LAST_RESORT } else { 0 }),
        }
    }

    fn hold(&mut self, rule: Rule, penalty: u16, held: Held<'i>) {
        let rank = rule.rank + penalty;
        let slot = &mut self.found[rule.field as usize];
        if slot.as_ref().is_none_or(|slot| rank < slot.rank) {
            *slot = Some(Slot { rank, convention: rule.convention, held });
        }
    }

    /// Reads the fields out of an attribute that is JSON.
    fn take_parent(&mut self, key: &str, value: Value<'i>) {
        let Some(text) = self.attributes.text(value) else {
            return;
        };
        let rules: Vec<(&str, Rule)> = sub_rules(key).collect();
        // Metadata and bodies can be long, and mostly tell none of it.
        if !rules.iter().any(|(path, _)| path.rsplit('.').next().is_some_and(|name| text.contains(name))) {
            return;
        }
        let found: Option<Vec<(Rule, Held<'i>)>> = with_parsed(text, |json| {
            self.from_anthropic |= key.starts_with("ai.") && json.get(&["anthropic"]).is_some();
            let held = |(path, rule): &(&str, Rule)| Some((*rule, held_of(at_path(json, path)?, rule.field.wants())?));
            rules.iter().filter_map(held).collect()
        });
        for (rule, held) in found.into_iter().flatten() {
            let framework = matches!(&held, Held::Text(text) if is_framework(text)) && rule.field == Field::Provider;
            self.hold(rule, if framework { LAST_RESORT } else { 0 }, held);
        }
    }

    /// Takes an attribute that stands in no table: a part of a flattened list, or one that only gives the convention away.
    fn take_other(&mut self, Attribute { key, tells, value }: Attribute<'i>) {
        if let Some((family, rest, convention)) = tells.family {
            let rest = &key[rest..];
            self.tell(convention);
            return match family {
                Family::InputMessages => self.input_messages.take(rest, value),
                Family::OutputMessages => self.output_messages.take(rest, value),
                Family::Tools => {
                    let named = |(_, path): &(usize, &str)| {
                        matches!(*path, "tool.json_schema" | "name" | "tool.name" | "json_schema")
                    };
                    self.offered_tools.extend(indexed(rest).filter(named).map(|(index, _)| (index, value)));
                }
            };
        }
        if let Some(convention) = tells.name_space {
            self.hint(tells, convention);
        }
    }

    fn tell(&mut self, convention: Convention) {
        self.telling = Some(self.telling.map_or(convention, |known| known.min(convention)));
    }

    fn hint(&mut self, tells: Key, convention: Convention) {
        if tells.hints {
            self.hinted = Some(self.hinted.map_or(convention, |known| known.min(convention)));
        }
    }

    fn has(&self, field: Field) -> bool {
        self.found[field as usize].is_some()
    }

    /// The text of a field: a string itself, composite values as JSON. `None` when the field is missing or a number.
    pub(crate) fn text(&self, field: Field) -> Option<Cow<'_, str>> {
        let slot = self.found[field as usize].as_ref()?;
        match &slot.held {
            Held::Value(value) => Some(unquoted(self.attributes.text(*value)?, slot.convention)),
            Held::Text(text) => Some(Cow::Borrowed(text)),
            Held::Count(_) | Held::Amount(_) => None,
        }
    }

    /// The first item where a field is a list, its text otherwise: `["stop"]` is `stop`.
    pub(crate) fn first_text(&self, field: Field) -> Option<String> {
        let text = self.text(field)?;
        let first = with_parsed(&text, |value| {
            let name = value.get(&["type", "unified", "reason"]).and_then(Json::text);
            value.items().find_map(Json::text).or(name).map(str::to_owned)
        });
        // Lists as Python prints them.
        first.unwrap_or_else(|| {
            let printed = text.strip_prefix("['").and_then(|rest| rest.split('\'').next()).map(str::to_owned);
            printed.or_else(|| Some(text.into_owned()))
        })
    }

    /// What the step is: the conventions' own words first, then what its attributes give away.
    pub(crate) fn span_type(&self) -> &'static str {
        let vercel = self.text(Field::VercelOperation).as_deref().and_then(span_type_of_vercel);
        let kind = self.text(Field::Kind).as_deref().and_then(span_type_of_kind);
        if let Some(kind) = kind {
            // Exporters that give every span of the AI SDK with a model the kind LLM: the outer one is no call of its own.
            let outer = vercel.filter(|vercel| kind == "LLM" && matches!(*vercel, "AGENT" | "CHAIN"));
            return outer.unwrap_or(kind);
        }
        let operation = self.text(Field::Operation).as_deref().and_then(span_type_of_operation);
        let vercel = vercel.filter(|span_type| *span_type == "TOOL" || self.has(Field::Model));
        let own_tool =
            self.found[Field::ToolName as usize].as_ref().filter(|slot| slot.convention != Convention::Other);
        let tool = own_tool.is_some().then_some("TOOL");
        let agent = || {
            let run = self.has(Field::Conversation) || self.has(Field::AgentName);
            (run && !self.has(Field::Model) && self.telling == Some(Convention::Logfire)).then_some("AGENT")
        };
        let llm = || self.has(Field::Model).then_some("LLM");
        // An outer call of the AI SDK is one even where its copy of gen_ai's names says chat.
        let outer = vercel.filter(|span_type| matches!(*span_type, "AGENT" | "CHAIN"));
        outer.or(operation).or(vercel).or(tool).or_else(agent).or_else(llm).unwrap_or("SPAN")
    }

    /// The convention that the span follows most, as in the `dialect` column.
    pub(crate) fn dialect(&self) -> &'static str {
        self.telling.or(self.hinted).unwrap_or(Convention::Other).as_str()
    }

    /// The name of the agent; on an agent's own span its entity's name, too.
    pub(crate) fn agent_name(&self, span_type: &str, span_name: &'a str) -> Option<Cow<'_, str>> {
        let own = || self.text(Field::EntityName).or(span_name.strip_prefix("invoke_agent ").map(Cow::Borrowed));
        let own_first = self.found[Field::AgentName as usize].as_ref().is_some_and(|slot| {
            // The workflow and the function stand around agents: the entity is nearer.
            matches!(slot.convention, Convention::Traceloop | Convention::Vercel)
        });
        let name = self.text(Field::AgentName);
        if span_type != "AGENT" {
            return name;
        }
        if own_first { own().or(name) } else { name.or_else(own) }
    }

    /// The name of the tool that a span executes; of a tool's span without one, what its entity or the span itself is called.
    pub(crate) fn tool_name(&self, span_type: &str, span_name: &'a str) -> Option<Cow<'_, str>> {
        let called = || {
            let named = span_name.strip_prefix("execute_tool ").or(span_name.strip_prefix("running tool: "));
            Some(Cow::Borrowed(named.unwrap_or(span_name))).filter(|name| !name.is_empty())
        };
        let own = || self.entity_of_tool().or_else(called);
        self.text(Field::ToolName).or_else(|| (span_type == "TOOL").then(own).flatten())
    }

    fn entity_of_tool(&self) -> Option<Cow<'_, str>> {
        let slot = self.found[Field::EntityName as usize].as_ref()?;
        // OpenInference's graph nodes are not tools.
        if slot.convention == Convention::Traceloop { self.text(Field::EntityName) } else { None }
    }
}

/// MLflow writes every value as JSON, and the AI SDK results of tools: a text stands in quotes then.
fn unquoted(text: &str, convention: Convention) -> Cow<'_, str> {
    let quotes = matches!(convention, Convention::Mlflow | Convention::Vercel) && text.len() > 1;
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|_| quotes) {
        Some(inner) if !inner.contains(['\\', '"']) => Cow::Borrowed(inner),
        Some(_) => serde_json::from_str::<String>(text).map_or(Cow::Borrowed(text), Cow::Owned),
        None => Cow::Borrowed(text),
    }
}

/// The value at a path of keys with dots between them; a key that has dots itself is found, too.
fn at_path<'t, 'j>(json: Json<'t, 'j>, path: &str) -> Option<Json<'t, 'j>> {
    let whole = json.get(&[path]);
    whole.or_else(|| path.split('.').try_fold(json, |value, key| value.get(&[key])))
}

fn held_of<'i>(value: Json<'_, '_>, wants: Wants) -> Option<Held<'i>> {
    let number = match value.kind() {
        JsonKind::Int(value) => Value::Int(value),
        JsonKind::Float(value) => Value::Float(value),
        JsonKind::Text(text) => return held_text(text, wants),
        _ => return None,
    };
    match wants {
        Wants::Count => usage::count_of(number).map(Held::Count),
        Wants::Amount => usage::amount_of(number).map(Held::Amount),
        _ => None,
    }
}

fn held_text<'i>(text: &str, wants: Wants) -> Option<Held<'i>> {
    match wants {
        Wants::Count => usage::count_of(Value::Text(text)).map(Held::Count),
        Wants::Amount => usage::amount_of(Value::Text(text)).map(Held::Amount),
        _ => (!text.is_empty()).then(|| Held::Text(text.into())),
    }
}

#[cfg(test)]
mod tests;
