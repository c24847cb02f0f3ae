//! One span from any format to one row: attributes mapped to columns by the table of conventions.

use std::borrow::Cow;

use halo_dataset::{SpanBatchBuilder, SpanRow, error_signature, push_tag};
use twox_hash::XxHash3_64;

use crate::attributes::{Attributes, Value};
use crate::conventions::{Convention, FIELDS, Field, rule, span_type_of_kind, span_type_of_operation};
use crate::messages::{ChatMessage, Flattened, InputMessages, calls_json, read_input, read_output, tool_names};

/// What a resource says, read once for all its spans.
#[derive(Debug, Default)]
pub(crate) struct Resource {
    pub(crate) json: String,
    pub(crate) tags: String,
    pub(crate) service_name: Option<String>,
    pub(crate) service_version: Option<String>,
    pub(crate) environment: Option<String>,
}

impl Resource {
    pub(crate) fn of(attributes: &Attributes<'_>) -> Self {
        let mut resource = Self::default();
        attributes.write_sorted(&mut resource.json);
        for (key, value) in attributes.iter() {
            attributes.with_tag_text(value, |text| push_tag(&mut resource.tags, key, text));
            let column = match key {
                "service.name" => &mut resource.service_name,
                "service.version" => &mut resource.service_version,
                // The newer name stands before the older one, whatever their order.
                "deployment.environment.name" => &mut resource.environment,
                "deployment.environment" if resource.environment.is_none() => &mut resource.environment,
                _ => continue,
            };
            *column = attributes.text(value).filter(|text| !text.is_empty()).map(str::to_owned);
        }
        resource
    }
}

/// A span as its format gives it, before mapping.
#[derive(Debug)]
pub(crate) struct RawSpan<'a, 'i> {
    pub(crate) trace_id: &'a str,
    pub(crate) span_id: &'a str,
    pub(crate) parent_span_id: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) kind: Option<&'static str>,
    pub(crate) start_time: Option<i64>,
    pub(crate) end_time: Option<i64>,
    pub(crate) status: &'static str,
    pub(crate) status_message: Option<&'a str>,
    pub(crate) trace_state: Option<&'a str>,
    pub(crate) scope_name: Option<&'a str>,
    pub(crate) scope_version: Option<&'a str>,
    pub(crate) resource: &'a Resource,
    pub(crate) attributes: &'a Attributes<'i>,
    /// JSON array of events; `None` when there are none.
    pub(crate) events: Option<&'a str>,
    pub(crate) links: Option<&'a str>,
    pub(crate) extra: Option<&'a str>,
    /// Type and message of the exception event, when there is one.
    pub(crate) exception: Option<(&'a str, &'a str)>,
    pub(crate) raw_bytes: i64,
    pub(crate) source: &'a str,
    pub(crate) source_line: i64,
}

/// Attributes sorted into what they tell.
struct Mapped<'a, 'i> {
    attributes: &'a Attributes<'i>,
    found: [Option<(usize, Value<'i>)>; FIELDS],
    convention: Option<Convention>,
    input_messages: Flattened<'i>,
    output_messages: Flattened<'i>,
    offered_tools: Vec<String>,
    tags: String,
}

/// Prefixes of attributes that flatten messages.
const FLAT_INPUT: &[&str] = &["llm.input_messages.", "gen_ai.prompt."];
const FLAT_OUTPUT: &[&str] = &["llm.output_messages.", "gen_ai.completion."];

impl<'a, 'i> Mapped<'a, 'i> {
    fn of(attributes: &'a Attributes<'i>, resource: &Resource) -> Self {
        let mut mapped = Self {
            attributes,
            found: [None; FIELDS],
            convention: None,
            input_messages: Flattened::default(),
            output_messages: Flattened::default(),
            offered_tools: Vec::new(),
            tags: resource.tags.clone(),
        };
        for (key, value) in attributes.iter() {
            mapped.take(key, value);
        }
        mapped
    }

    fn take(&mut self, key: &'i str, value: Value<'i>) {
        self.attributes.with_tag_text(value, |text| push_tag(&mut self.tags, key, text));
        if let Some(rule) = rule(key) {
            self.convention = Some(self.convention.map_or(rule.convention, |known| known.min(rule.convention)));
            let empty = matches!(value, Value::Null | Value::Text(""));
            let slot = &mut self.found[rule.field as usize];
            if !empty && slot.is_none_or(|(rank, _)| rule.rank < rank) {
                *slot = Some((rule.rank, value));
            }
            return;
        }
        if let Some(rest) = FLAT_INPUT.iter().find_map(|prefix| key.strip_prefix(prefix)) {
            return self.input_messages.take(rest, value);
        }
        if let Some(rest) = FLAT_OUTPUT.iter().find_map(|prefix| key.strip_prefix(prefix)) {
            return self.output_messages.take(rest, value);
        }
        if let Some(rest) = key.strip_prefix("llm.tools.")
            && rest.ends_with("json_schema")
            && let Some(schema) = self.attributes.text(value)
        {
            tool_names(schema, &mut self.offered_tools);
        }
    }

    fn value(&self, field: Field) -> Option<Value<'i>> {
        self.found[field as usize].map(|(_, value)| value)
    }

    fn text(&self, field: Field) -> Option<&'a str> {
        self.attributes.text(self.value(field)?)
    }

    /// The first item where a field is a list, its text otherwise: `["stop"]` is `stop`.
    fn first_text(&self, field: Field) -> Option<String> {
        let text = self.text(field)?;
        let first = crate::json::with_parsed(text, |value| {
            value.items().next().and_then(|item| item.text().map(str::to_owned))
        });
        first.unwrap_or_else(|| Some(text.to_owned()))
    }

    fn int(&self, field: Field) -> Option<i64> {
        match self.value(field)? {
            Value::Int(value) => Some(value),
            #[expect(clippy::cast_possible_truncation, reason = "token counts written as floats; saturates")]
            Value::Float(value) => Some(value as i64),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn float(&self, field: Field) -> Option<f64> {
        match self.value(field)? {
            #[expect(clippy::cast_precision_loss, reason = "a cost in whole dollars")]
            Value::Int(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            Value::Text(text) => text.trim().parse().ok().filter(|value: &f64| value.is_finite()),
            _ => None,
        }
    }

    fn cost(&self) -> Option<f64> {
        let parts = [self.float(Field::CostInput), self.float(Field::CostOutput)];
        let sum = || parts.iter().any(Option::is_some).then(|| parts.iter().flatten().sum());
        self.float(Field::CostTotal).or_else(sum)
    }

    /// What the step is: the convention's own word first, then what its attributes give away.
    fn span_type(&self) -> &'static str {
        let kind = self.text(Field::Kind).and_then(span_type_of_kind);
        let operation = || self.text(Field::Operation).and_then(span_type_of_operation);
        let tool =
            || (self.value(Field::ToolName).is_some() && self.convention != Some(Convention::Other)).then_some("TOOL");
        let has_messages = || !self.output_messages.is_empty() || self.value(Field::OutputMessages).is_some();
        let llm = || {
            (self.value(Field::Model).is_some() && (self.value(Field::InputTokens).is_some() || has_messages()))
                .then_some("LLM")
        };
        kind.or_else(operation).or_else(tool).or_else(llm).unwrap_or("SPAN")
    }

    fn input_messages(&self) -> Option<InputMessages> {
        if !self.input_messages.is_empty() && self.value(Field::InputMessages).is_none() {
            return Some(self.input_messages.input(self.attributes));
        }
        self.text(Field::InputMessages).and_then(read_input)
    }

    fn output_message(&self) -> Option<ChatMessage> {
        if !self.output_messages.is_empty() && self.value(Field::OutputMessages).is_none() {
            return self.output_messages.output(self.attributes);
        }
        let messages = self.text(Field::OutputMessages).and_then(read_output);
        // Some instrumentations put the tool calls of a reply into its output value.
        messages
            .or_else(|| self.text(Field::Output).and_then(read_output).filter(|message| !message.tool_calls.is_empty()))
    }

    fn offered_tools(&self) -> Option<String> {
        let mut names = self.offered_tools.clone();
        for field in [Field::ToolDefinitions, Field::InvocationParameters] {
            if names.is_empty()
                && let Some(text) = self.text(field)
            {
                // Parameters hold much else; only ones with tools are worth parsing.
                if field == Field::ToolDefinitions || text.contains("\"tools\"") || text.contains("\"functions\"") {
                    tool_names(text, &mut names);
                }
            }
        }
        (!names.is_empty()).then(|| serde_json::Value::from(names).to_string())
    }
}

/// Buffers that are used again for every span.
#[derive(Debug, Default)]
pub(crate) struct RowBuffers {
    attributes: String,
    hashed: Vec<u8>,
}

/// What a span's messages and attributes come to beyond single attributes.
struct Derived<'a> {
    span_type: &'static str,
    input: Option<Cow<'a, str>>,
    output: Option<Cow<'a, str>>,
    requested_tool_calls: Option<String>,
    offered_tools: Option<String>,
    message_count: Option<i64>,
    finish_reason: Option<String>,
    tool_name: Option<&'a str>,
    error_signature: Option<String>,
}

impl<'a> Derived<'a> {
    fn of(raw: &RawSpan<'a, '_>, mapped: &Mapped<'a, '_>) -> Self {
        let span_type = mapped.span_type();
        let is_tool = span_type == "TOOL";
        let messages_in = mapped.input_messages();
        let message_out = mapped.output_message();
        let instructions = usize::from(mapped.value(Field::SystemInstructions).is_some());
        let counted = messages_in.as_ref().filter(|_| span_type == "LLM").map(|messages| messages.count + instructions);
        // A tool's own attributes, then what the messages say, then the plain input and output.
        let own = |field| mapped.text(field).filter(|_| is_tool).map(Cow::Borrowed);
        let plain = |field| mapped.text(field).map(Cow::Borrowed);
        let said_in = messages_in.and_then(|messages| messages.last).map(Cow::Owned);
        let said_out = message_out.as_ref().and_then(ChatMessage::shown).map(Cow::Owned);
        let called_by_span = || raw.name.strip_prefix("execute_tool ").unwrap_or(raw.name);
        let named = is_tool.then(called_by_span).filter(|name| !name.is_empty());
        let error_message = raw.status_message.or_else(|| mapped.text(Field::ErrorMessage));
        let error_message = error_message.or(raw.exception.map(|(_, message)| message));
        Self {
            span_type,
            input: own(Field::ToolInput).or(said_in).or_else(|| plain(Field::Input)),
            output: own(Field::ToolOutput).or(said_out).or_else(|| plain(Field::Output)),
            requested_tool_calls: message_out.as_ref().and_then(|message| calls_json(&message.tool_calls)),
            offered_tools: mapped.offered_tools(),
            message_count: counted.and_then(|count| i64::try_from(count).ok()),
            finish_reason: mapped
                .first_text(Field::FinishReason)
                .or(message_out.and_then(|message| message.finish_reason))
                .filter(|reason| !reason.is_empty()),
            tool_name: mapped.text(Field::ToolName).or(named),
            error_signature: error_message.filter(|_| raw.status == "ERROR").map(error_signature),
        }
    }
}

/// Maps a span and adds it to the batch.
pub(crate) fn push_span(raw: &RawSpan<'_, '_>, buffers: &mut RowBuffers, builder: &mut SpanBatchBuilder) {
    let mapped = Mapped::of(raw.attributes, raw.resource);
    let derived = Derived::of(raw, &mapped);
    buffers.attributes.clear();
    raw.attributes.write(&mut buffers.attributes);
    builder.push(&SpanRow {
        trace_id: Some(raw.trace_id),
        span_id: Some(raw.span_id),
        parent_span_id: raw.parent_span_id,
        step: None,
        name: Some(raw.name),
        kind: raw.kind,
        span_type: Some(derived.span_type),
        start_time: raw.start_time,
        end_time: raw.end_time,
        duration_ms: duration_ms(raw.start_time, raw.end_time),
        status: Some(raw.status),
        status_message: raw.status_message,
        error_type: mapped
            .text(Field::ErrorType)
            .or(raw.exception.map(|(kind, _)| kind).filter(|kind| !kind.is_empty())),
        error_signature: derived.error_signature.as_deref(),
        service_name: raw.resource.service_name.as_deref().or_else(|| mapped.text(Field::ServiceName)),
        service_version: raw.resource.service_version.as_deref(),
        scope_name: raw.scope_name,
        scope_version: raw.scope_version,
        project_id: mapped.text(Field::ProjectId),
        environment: raw.resource.environment.as_deref(),
        agent_name: mapped.text(Field::AgentName),
        agent_id: mapped.text(Field::AgentId),
        session_id: mapped.text(Field::SessionId),
        user_id: mapped.text(Field::UserId),
        model: mapped.text(Field::Model),
        provider: mapped.text(Field::Provider),
        input_tokens: mapped.int(Field::InputTokens),
        output_tokens: mapped.int(Field::OutputTokens),
        cached_input_tokens: mapped.int(Field::CachedInputTokens),
        cache_write_tokens: mapped.int(Field::CacheWriteTokens),
        reasoning_tokens: mapped.int(Field::ReasoningTokens),
        cost_usd: mapped.cost(),
        finish_reason: derived.finish_reason.as_deref(),
        tool_name: derived.tool_name,
        tool_call_id: mapped.text(Field::ToolCallId),
        requested_tool_calls: derived.requested_tool_calls.as_deref(),
        offered_tools: derived.offered_tools.as_deref(),
        message_count: derived.message_count,
        input: derived.input.as_deref(),
        output: derived.output.as_deref(),
        attributes: Some(&buffers.attributes),
        resource_attributes: Some(&raw.resource.json),
        events: raw.events,
        links: raw.links,
        trace_state: raw.trace_state,
        extra: raw.extra,
        raw_bytes: Some(raw.raw_bytes),
        dialect: Some(mapped.convention.unwrap_or(Convention::Other).as_str()),
        id_conflict: Some(false),
        source: Some(raw.source),
        source_line: Some(raw.source_line),
        content_hash: Some(content_hash(raw, &buffers.attributes, &mut buffers.hashed)),
        row_id: None,
        tags: Some(&mapped.tags),
    });
}

#[expect(
    clippy::cast_precision_loss,
    reason = "durations below 104 days are exact to the nanosecond, and nobody reads more"
)]
fn duration_ms(start: Option<i64>, end: Option<i64>) -> Option<f64> {
    Some(end?.checked_sub(start?)? as f64 / 1e6)
}

/// A hash of all that a span says, wherever it stood: equal for exact duplicates, whichever format brought them.
fn content_hash(raw: &RawSpan<'_, '_>, attributes: &str, scratch: &mut Vec<u8>) -> i64 {
    scratch.clear();
    let texts = [
        raw.parent_span_id,
        Some(raw.name),
        raw.kind,
        Some(raw.status),
        raw.status_message,
        raw.trace_state,
        raw.scope_name,
        raw.scope_version,
        Some(&raw.resource.json),
        raw.events,
        raw.links,
        raw.extra,
    ];
    for text in texts {
        // A separator that tells nothing from empty.
        scratch.push(u8::from(text.is_some()));
        scratch.extend_from_slice(text.unwrap_or_default().as_bytes());
        scratch.push(0xff);
    }
    for time in [raw.start_time, raw.end_time] {
        scratch.extend_from_slice(&time.unwrap_or(i64::MIN).to_le_bytes());
    }
    let seed = XxHash3_64::oneshot(scratch);
    XxHash3_64::oneshot_with_seed(seed, attributes.as_bytes()).cast_signed()
}
