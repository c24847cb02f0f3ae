//! One span from any format to one row: attributes mapped to columns by the table of conventions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use halo_dataset::{
    Content, SpanBatchBuilder, SpanChunk, SpanRow, error_signature, failure_code, is_tag_value, push_tag, push_tag_pair,
};
use hashbrown::HashMap;
use twox_hash::XxHash3_64;

use crate::attributes::{Attribute, Attributes};
use crate::conventions::{Family, Field, family};
use crate::dictionary::MessageDictionary;
use crate::json::{Json, with_parsed};
use crate::mapping::{Mapped, MessagesAt};
use crate::messages::ChatMessage;
use crate::skeleton::{SkeletonWriter, SpanContent};

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
        for Attribute { key, tells, value } in attributes.iter() {
            if tells.may_be_tag {
                attributes.with_tag_text(value, |text| push_tag(&mut resource.tags, key, text));
            }
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

/// Resources that were read before: nearly every line repeats one of a few.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    known: HashMap<Vec<u8>, Arc<Resource>>,
    identity: Vec<u8>,
}

/// Resources that are remembered at a time.
const RESOURCES_MAX: usize = 1024;

impl Resources {
    /// The resource of a value, which `read` makes when it is new.
    pub(crate) fn get<E>(
        &mut self,
        value: Json<'_, '_>,
        read: impl FnOnce() -> Result<Resource, E>,
    ) -> Result<Arc<Resource>, E> {
        self.identity.clear();
        value.write_identity(&mut self.identity);
        if let Some(known) = self.known.get(&self.identity) {
            return Ok(Arc::clone(known));
        }
        if self.known.len() == RESOURCES_MAX {
            self.known.clear();
        }
        let resource = Arc::new(read()?);
        self.known.insert(self.identity.clone(), Arc::clone(&resource));
        Ok(resource)
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
    /// How the span was written, where that differs from the usual.
    pub(crate) form: Option<&'a str>,
    /// Type and message of the exception event, when there is one.
    pub(crate) exception: Option<(&'a str, &'a str)>,
    pub(crate) raw_bytes: i64,
    pub(crate) source: &'a str,
    pub(crate) source_line: i64,
}

/// Takes spans and makes a chunk of them.
#[derive(Default)]
pub(crate) struct ChunkBuilder {
    rows: SpanBatchBuilder,
    content: Content,
    pub(crate) dictionary: MessageDictionary,
    span: SpanContent,
    tags: String,
    hashed: Vec<u8>,
    /// Bytes of the JSON of the spans so far.
    bytes: usize,
}

/// Event that holds an evaluation's result, by OTel GenAI.
const EVALUATION_RESULT: &str = "gen_ai.evaluation.result";

/// Adds what evaluations say of a span where they stand in its events.
fn push_evaluations(events: &str, tags: &mut String) {
    if !events.contains(EVALUATION_RESULT) {
        return;
    }
    with_parsed(events, |events| {
        let is_result = |event: &Json<'_, '_>| event.get(&["name"]).and_then(Json::text) == Some(EVALUATION_RESULT);
        for (key, value) in
            events.items().filter(is_result).filter_map(|event| event.get(&["attributes"])).flat_map(Json::entries)
        {
            let mut number = String::new();
            let text = value.text().unwrap_or_else(|| {
                value.write(&mut number);
                &number
            });
            push_tag(tags, key, text);
        }
    });
}

/// As much of a span's hash as is stored: it tells a duplicate from a conflict among spans that have the same ids already, of which one in a
/// million millions would be mistaken; more bits would only take room.
const HASH_BITS: u64 = (1 << 40) - 1;

/// About what a span takes in memory beside its JSON: some fifty columns, most of them short.
const ROW_BYTES: usize = 800;

/// Flattened messages of a span by the prefix of their keys.
type Flattened<'i> = BTreeMap<&'i str, Vec<i64>>;

impl ChunkBuilder {
    /// The spans so far; the builder is empty afterwards.
    pub(crate) fn finish(&mut self) -> halo_dataset::Result<SpanChunk> {
        self.dictionary.clear();
        // The next chunk is likely to be about as large.
        let texts = &self.content.texts;
        let room = Content::with_capacity(texts.len() + texts.len() / 8, texts.bytes() + texts.bytes() / 8);
        let content = std::mem::replace(&mut self.content, room);
        let bytes = self.rows.rows() * ROW_BYTES + std::mem::take(&mut self.bytes) + content.bytes();
        Ok(SpanChunk { batch: self.rows.finish()?, content, bytes })
    }

    /// Maps a span and adds it.
    #[expect(clippy::too_many_lines, reason = "a line a column")]
    pub(crate) fn push(&mut self, raw: &RawSpan<'_, '_>) {
        let mapped = Mapped::of(raw.attributes, raw.scope_name, raw.events);
        let span_type = mapped.span_type();
        self.span.clear();
        let mut writer = SkeletonWriter {
            content: &mut self.content,
            dictionary: &mut self.dictionary,
            span: &mut self.span,
            trace: XxHash3_64::oneshot(raw.trace_id.as_bytes()),
        };
        let flattened = writer.flattened(raw.attributes);
        take_messages(&mut writer, &mapped, span_type, &flattened);
        writer.attributes(raw.attributes, &flattened);
        let events = raw.events.map(|json| writer.with_holes(json));
        let links = raw.links.map(|json| writer.with_holes(json));
        let extra = raw.extra.map(|json| writer.with_holes(json));
        let derived = Derived::of(raw, &mapped, span_type, &mut writer);
        self.tags.clear();
        self.tags.push_str(&raw.resource.tags);
        for Attribute { key, value, .. } in raw.attributes.iter().filter(|attribute| attribute.tells.may_be_tag) {
            raw.attributes.with_tag_text(value, |text| {
                if is_tag_value(text) {
                    push_tag_pair(&mut self.tags, key, text);
                }
            });
        }
        if let Some(events) = raw.events {
            push_evaluations(events, &mut self.tags);
        }
        let content_hash = self.content_hash(raw, [events.as_deref(), links.as_deref(), extra.as_deref()]);
        let json = [Some(self.span.attributes.as_str()), events.as_deref(), links.as_deref(), extra.as_deref()];
        self.bytes += json.into_iter().flatten().map(str::len).sum::<usize>();
        let text = |field| mapped.text(field);
        self.rows.push(&SpanRow {
            trace_id: Some(raw.trace_id),
            span_id: Some(raw.span_id),
            parent_span_id: raw.parent_span_id,
            step: None,
            name: Some(raw.name),
            kind: raw.kind,
            span_type: Some(span_type),
            start_time: raw.start_time,
            end_time: raw.end_time,
            duration_ms: duration_ms(raw.start_time, raw.end_time),
            status: Some(raw.status),
            status_message: raw.status_message,
            error_type: text(Field::ErrorType)
                .as_deref()
                .or(raw.exception.map(|(kind, _)| kind).filter(|kind| !kind.is_empty())),
            error_signature: derived.error_signature.as_deref(),
            service_name: raw.resource.service_name.as_deref().or(text(Field::ServiceName).as_deref()),
            service_version: raw.resource.service_version.as_deref(),
            scope_name: raw.scope_name,
            scope_version: raw.scope_version,
            project_id: text(Field::ProjectId).as_deref(),
            environment: raw.resource.environment.as_deref(),
            agent_name: mapped.agent_name(span_type, raw.name).as_deref(),
            agent_id: text(Field::AgentId).as_deref(),
            session_id: text(Field::SessionId).as_deref(),
            user_id: text(Field::UserId).as_deref(),
            model: text(Field::Model).as_deref(),
            provider: text(Field::Provider).as_deref(),
            input_tokens: mapped.input_tokens(),
            output_tokens: mapped.output_tokens(),
            cached_input_tokens: mapped.cached_input_tokens(),
            cache_write_tokens: mapped.cache_write_tokens(),
            reasoning_tokens: mapped.reasoning_tokens(),
            cost_usd: mapped.cost(),
            finish_reason: derived.finish_reason.as_deref(),
            tool_name: mapped.tool_name(span_type, raw.name).as_deref(),
            tool_call_id: text(Field::ToolCallId).as_deref(),
            requested_tool_calls: (),
            offered_tools: derived.offered_tools.as_deref(),
            message_count: derived.message_count,
            failure_code: derived.failure_code.as_deref(),
            input: derived.input,
            output: derived.output,
            attributes: Some(&self.span.attributes),
            resource_attributes: Some(&raw.resource.json),
            events: events.as_deref(),
            links: links.as_deref(),
            trace_state: raw.trace_state,
            extra: extra.as_deref(),
            raw_bytes: Some(raw.raw_bytes),
            dialect: Some(mapped.dialect()),
            id_conflict: Some(false),
            source: Some(raw.source),
            source_line: Some(raw.source_line),
            input_messages: &self.span.input,
            output_messages: &self.span.output,
            texts: &self.span.texts,
            extra_messages: &self.span.extra,
            form: raw.form,
            content_hash: Some(content_hash),
            row_id: None,
            tags: Some(&self.tags),
        });
    }

    /// A hash of all that a span says, wherever it stood: equal for exact duplicates, whichever format brought them.
    fn content_hash(&mut self, raw: &RawSpan<'_, '_>, json: [Option<&str>; 3]) -> i64 {
        let scratch = &mut self.hashed;
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
            Some(&self.span.attributes),
        ];
        for text in texts.into_iter().chain(json) {
            // A separator that tells nothing from empty.
            scratch.push(u8::from(text.is_some()));
            scratch.extend_from_slice(text.unwrap_or_default().as_bytes());
            scratch.push(0xff);
        }
        for time in [raw.start_time, raw.end_time] {
            scratch.extend_from_slice(&time.unwrap_or(i64::MIN).to_le_bytes());
        }
        // What the holes stand for, by content and not by number: numbers differ from chunk to chunk.
        let number = |id: &i64| u32::try_from(*id).unwrap_or(0);
        for text in &self.span.texts {
            scratch.extend_from_slice(&self.content.text_identity(number(text)).to_le_bytes());
        }
        for messages in [&self.span.input, &self.span.output, &self.span.extra] {
            scratch.push(0xfe);
            for message in messages {
                scratch.extend_from_slice(&self.content.message_identity(number(message)).to_le_bytes());
            }
        }
        (XxHash3_64::oneshot(scratch) & HASH_BITS).cast_signed()
    }
}

/// Takes the messages that went in and came out.
fn take_messages(writer: &mut SkeletonWriter<'_>, mapped: &Mapped<'_, '_>, span_type: &str, flattened: &Flattened<'_>) {
    let input = mapped.input_at(span_type);
    let system = mapped.system_instructions();
    writer.span.input = match input.as_ref().and_then(|at| written_list(writer, at, Family::InputMessages, flattened)) {
        Some(mut list) => {
            // A system prompt that is kept apart stands before the messages, unless it stands among them, too.
            if let Some(system) = system {
                let number = i64::from(writer.dictionary.add_unwritten(writer.content, &system));
                let first = list.first().and_then(|first| u32::try_from(*first).ok());
                let first = first.map(|first| writer.content.message(first));
                let text = number_of(number).and_then(|number| writer.content.message(number).content);
                if first.is_none_or(|first| first.content != text) {
                    list.insert(0, number);
                }
            }
            list
        }
        None => read_list(writer, &mapped.input_messages(span_type)),
    };
    let output = mapped.output_at(span_type).filter(|_| mapped.reply().is_none());
    writer.span.output =
        match output.as_ref().and_then(|at| written_list(writer, at, Family::OutputMessages, flattened)) {
            Some(list) => list,
            None => read_list(writer, &mapped.output_messages(span_type)),
        };
}

fn number_of(id: i64) -> Option<u32> {
    u32::try_from(id).ok()
}

/// The messages of one direction, where they stand in the attributes as they are: found by their JSON, without reading them again.
fn written_list(
    writer: &mut SkeletonWriter<'_>,
    at: &MessagesAt<'_, '_>,
    direction: Family,
    flattened: &Flattened<'_>,
) -> Option<Vec<i64>> {
    match at {
        MessagesAt::Json(text) | MessagesAt::Body(text) => {
            let list = writer.list(text)?;
            // A request may keep its system prompt beside the messages, and a response its reason: those are read with care.
            if list.before.trim_start().starts_with('{') {
                return None;
            }
            Some(list.messages.into_iter().map(i64::from).collect())
        }
        MessagesAt::Flattened(_) => {
            let mut of_direction = flattened.iter().filter(|(prefix, _)| {
                family(&format!("{prefix}.0.")).is_some_and(|(family, _, _)| family == direction)
            });
            let (_, list) = of_direction.next()?;
            // Of several families, how they come together is read with care.
            of_direction.next().is_none().then(|| list.clone())
        }
        _ => None,
    }
}

/// Messages that were read by other ways than by their JSON.
fn read_list(writer: &mut SkeletonWriter<'_>, messages: &[ChatMessage]) -> Vec<i64> {
    messages.iter().map(|message| i64::from(writer.dictionary.add_unwritten(writer.content, message))).collect()
}

/// What a span's messages and attributes come to beyond single attributes.
struct Derived {
    input: Option<i64>,
    output: Option<i64>,
    offered_tools: Option<String>,
    message_count: Option<i64>,
    finish_reason: Option<String>,
    failure_code: Option<String>,
    error_signature: Option<String>,
}

impl Derived {
    fn of(
        raw: &RawSpan<'_, '_>,
        mapped: &Mapped<'_, '_>,
        span_type: &'static str,
        writer: &mut SkeletonWriter<'_>,
    ) -> Self {
        let is_tool = span_type == "TOOL";
        let message_out = mapped.output_summary(span_type);
        // A tool's own attributes, then what the messages say, then the plain input and output.
        let own = |field| mapped.text(field).filter(|_| is_tool);
        let said_out = message_out.as_ref().and_then(ChatMessage::shown).map(Cow::Owned);
        let output = own(Field::ToolOutput).or(said_out);
        let (output, output_id) = match output {
            Some(output) => {
                let id = writer.content.texts.intern(&output);
                (Some(output), Some(id))
            }
            None => {
                let output = mapped.text(Field::Output);
                let id = output.as_deref().map(|text| writer.said(text));
                (output, id)
            }
        };
        let input = own(Field::ToolInput).map(|text| i64::from(writer.content.texts.intern(&text)));
        let input = input
            .or_else(|| asked(mapped, span_type, writer))
            .or_else(|| mapped.text(Field::Input).map(|text| i64::from(writer.said(&text))));
        let count = i64::try_from(writer.span.input.len()).ok().filter(|count| *count > 0 && span_type == "LLM");
        let error_message = raw.status_message.map(Cow::Borrowed).or_else(|| mapped.text(Field::ErrorMessage));
        let error_message = error_message.or(raw.exception.map(|(_, message)| Cow::Borrowed(message)));
        Self {
            input,
            output: output_id.map(i64::from),
            offered_tools: mapped.offered_tools(span_type),
            message_count: count,
            finish_reason: mapped
                .first_text(Field::FinishReason)
                .or(message_out.and_then(|message| message.finish_reason))
                .filter(|reason| !reason.is_empty()),
            failure_code: output.as_deref().filter(|_| is_tool).and_then(failure_code),
            error_signature: error_message.filter(|_| raw.status == "ERROR").map(|message| error_signature(&message)),
        }
    }
}

/// What the messages that went in say last: the text of the last one that is no instruction, of the very last when all are.
fn asked(mapped: &Mapped<'_, '_>, span_type: &str, writer: &mut SkeletonWriter<'_>) -> Option<i64> {
    let numbers: Vec<u32> = writer.span.input.iter().copied().filter_map(number_of).collect();
    let is_instruction = |number: &&u32| matches!(writer.content.message(**number).role, Some("system" | "developer"));
    let mut last = *numbers.iter().rev().find(|number| !is_instruction(number)).or(numbers.last())?;
    if span_type != "LLM" && matches!(mapped.input_at(span_type), Some(MessagesAt::Conversation(_))) {
        // What was put to an agent, not what its last tool said.
        let is_user = |number: &&u32| writer.content.message(**number).role == Some("user");
        last = *numbers.iter().rev().find(is_user).unwrap_or(&last);
    }
    if let Some(text) = writer.content.message(last).content {
        return Some(i64::from(text));
    }
    let calls = writer.content.tool_calls(last)?;
    Some(i64::from(writer.content.texts.intern(&calls)))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "durations below 104 days are exact to the nanosecond, and nobody reads more"
)]
fn duration_ms(start: Option<i64>, end: Option<i64>) -> Option<f64> {
    Some(end?.checked_sub(start?)? as f64 / 1e6)
}
