//! What the attributes of the conventions in use mean. The table itself is `conventions/rules.rs`: to add or check a mapping, go there.

use std::sync::LazyLock;

use twox_hash::XxHash3_64;

mod kinds;
mod rules;

pub(crate) use kinds::{is_framework, span_type_of_kind, span_type_of_operation, span_type_of_vercel};
pub(crate) use rules::Family;
use rules::{FAMILIES, RULES, SCOPES, SUB_RULES, TRACES_OF};

/// What an attribute tells about a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Field {
    Kind,
    Operation,
    VercelOperation,
    Model,
    Provider,
    /// Tokens of the prompt, cached ones included.
    InputTokens,
    /// Tokens of the prompt that neither came from a cache nor went into one.
    UncachedInputTokens,
    OutputTokens,
    /// Tokens of the reply without those of the reasoning.
    VisibleOutputTokens,
    TotalTokens,
    CachedInputTokens,
    CacheWriteTokens,
    /// Written to a cache that lives longer, where that is counted apart.
    CacheWriteTokens1h,
    ReasoningTokens,
    CostTotal,
    CostInput,
    CostOutput,
    CostCached,
    CostCacheWrite,
    CostReasoning,
    FinishReason,
    ToolName,
    ToolCallId,
    ToolInput,
    ToolOutput,
    AgentName,
    AgentId,
    EntityName,
    SessionId,
    UserId,
    ProjectId,
    Input,
    Output,
    InputMessages,
    SystemInstructions,
    OutputMessages,
    ReplyText,
    ReplyCalls,
    Conversation,
    ToolDefinitions,
    InvocationParameters,
    ErrorType,
    ErrorMessage,
    ServiceName,
}

/// Number of fields.
pub(crate) const FIELDS: usize = Field::ServiceName as usize + 1;

impl Field {
    /// The column, or the table, that shows it.
    fn column(self) -> &'static str {
        match self {
            Self::Kind | Self::Operation | Self::VercelOperation => "span_type",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::InputTokens | Self::UncachedInputTokens | Self::TotalTokens => "input_tokens",
            Self::OutputTokens | Self::VisibleOutputTokens => "output_tokens",
            Self::CachedInputTokens => "cached_input_tokens",
            Self::CacheWriteTokens | Self::CacheWriteTokens1h => "cache_write_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::CostTotal
            | Self::CostInput
            | Self::CostOutput
            | Self::CostCached
            | Self::CostCacheWrite
            | Self::CostReasoning => "cost_usd",
            Self::FinishReason => "finish_reason",
            Self::ToolName => "tool_name",
            Self::ToolCallId => "tool_call_id",
            Self::ToolInput | Self::Input => "input",
            Self::ToolOutput | Self::Output => "output",
            Self::AgentName | Self::EntityName => "agent_name",
            Self::AgentId => "agent_id",
            Self::SessionId => "session_id",
            Self::UserId => "user_id",
            Self::ProjectId => "project_id",
            Self::InputMessages
            | Self::SystemInstructions
            | Self::OutputMessages
            | Self::ReplyText
            | Self::ReplyCalls
            | Self::Conversation => "messages",
            Self::ToolDefinitions | Self::InvocationParameters => "offered_tools",
            Self::ErrorType => "error_type",
            Self::ErrorMessage => "error_signature",
            Self::ServiceName => "service_name",
        }
    }

    /// What a value must be to count: a number that can be true for numbers, a word that tells something for kinds.
    pub(crate) fn wants(self) -> Wants {
        match self {
            Self::InputTokens
            | Self::UncachedInputTokens
            | Self::OutputTokens
            | Self::VisibleOutputTokens
            | Self::TotalTokens
            | Self::CachedInputTokens
            | Self::CacheWriteTokens
            | Self::CacheWriteTokens1h
            | Self::ReasoningTokens => Wants::Count,
            Self::CostTotal
            | Self::CostInput
            | Self::CostOutput
            | Self::CostCached
            | Self::CostCacheWrite
            | Self::CostReasoning => Wants::Amount,
            Self::Kind => Wants::Kind,
            Self::Operation => Wants::Operation,
            Self::VercelOperation => Wants::VercelOperation,
            Self::Provider => Wants::Provider,
            _ => Wants::Anything,
        }
    }
}

/// What a field takes as its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A whole number that is not negative.
    Count,
    /// A finite number that is not negative.
    Amount,
    Kind,
    Operation,
    VercelOperation,
    /// Any text, but a framework's name only when there is nothing better.
    Provider,
    Anything,
}

/// Who defines an attribute. The most specific first: a span that follows several is counted for the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Convention {
    Vercel,
    Langfuse,
    Mlflow,
    Logfire,
    OpenInference,
    Traceloop,
    OtelGenAi,
    Inference,
    /// In use without a convention behind it.
    Other,
}

impl Convention {
    /// The value of the `dialect` column.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Vercel => "vercel",
            Self::Langfuse => "langfuse",
            Self::Mlflow => "mlflow",
            Self::Logfire => "logfire",
            Self::OpenInference => "openinference",
            Self::Traceloop => "traceloop",
            Self::OtelGenAi => "otel_genai",
            Self::Inference => "inference",
            Self::Other => "other",
        }
    }

    /// The convention of all spans of a scope, where its name says so.
    pub(crate) fn of_scope(scope: &str) -> Option<Self> {
        if scope == "ai" {
            return Some(Self::Vercel);
        }
        SCOPES.iter().find(|(prefix, _)| scope.starts_with(prefix)).map(|(_, convention)| *convention)
    }
}

/// What the table says about an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) field: Field,
    pub(crate) convention: Convention,
    /// Position in the table: the lower wins.
    pub(crate) rank: u16,
    /// Whether the attribute alone tells the dialect. Names that any convention uses (`session.id`, `events`) don't.
    pub(crate) telling: bool,
}

/// What is known of an attribute's key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    /// It tells a field.
    Rule(Rule),
    /// It is JSON with fields of its own; see [`sub_rules`]. It may tell a field as a whole, too.
    Parent(Option<Rule>, Convention),
}

/// Keys by hash, open addressing: one hash and mostly one comparison an attribute.
struct Table {
    slots: Vec<Option<(&'static str, Known)>>,
    mask: usize,
}

impl Table {
    fn build() -> Self {
        let size = (RULES.len() + SUB_RULES.len()).next_power_of_two() * 4;
        let mut table = Self { slots: vec![None; size], mask: size - 1 };
        for (rank, (key, field, convention)) in RULES.iter().enumerate() {
            let telling = is_telling(key, *field, *convention);
            let rank = u16::try_from(rank).unwrap_or(u16::MAX);
            table.set(key, Known::Rule(Rule { field: *field, convention: *convention, rank, telling }));
        }
        for (key, _, _, convention) in SUB_RULES {
            match table.get(key) {
                Some(Known::Parent(..)) => {}
                Some(Known::Rule(rule)) => table.set(key, Known::Parent(Some(rule), *convention)),
                None => table.set(key, Known::Parent(None, *convention)),
            }
        }
        table
    }

    /// The slot of a key: the one that holds it, or the free one where it belongs.
    fn slot(&self, key: &str) -> usize {
        let mut at = low_bits(XxHash3_64::oneshot(key.as_bytes())) & self.mask;
        // Ends: the table is never full.
        while self.slots[at].is_some_and(|(held, _)| held != key) {
            at = (at + 1) & self.mask;
        }
        at
    }

    fn set(&mut self, key: &'static str, known: Known) {
        let at = self.slot(key);
        self.slots[at] = Some((key, known));
    }

    fn get(&self, key: &str) -> Option<Known> {
        self.slots[self.slot(key)].map(|(_, known)| known)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a hash: any of its bits will do")]
fn low_bits(hash: u64) -> usize {
    hash as usize
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::build);

fn is_telling(key: &str, field: Field, convention: Convention) -> bool {
    match convention {
        Convention::Other => false,
        // Langfuse's SDK adds names of the trace to spans of every other convention.
        Convention::Langfuse => {
            key.starts_with("langfuse.observation.") && !key.contains("metadata") && field != Field::ErrorMessage
        }
        // Most of Logfire's names are gen_ai's or plain words; its scopes tell.
        Convention::Logfire => key.starts_with("pydantic_ai."),
        _ => {
            key.contains('.')
                && !matches!(field, Field::SessionId | Field::UserId | Field::ErrorType | Field::ErrorMessage)
        }
    }
}

/// What is known of a key, when it is in the table.
pub(crate) fn known(key: &str) -> Option<Known> {
    TABLE.get(key)
}

/// The fields in an attribute that is JSON: path of keys, what it tells, and its rank behind all plain attributes.
pub(crate) fn sub_rules(parent: &str) -> impl Iterator<Item = (&'static str, Rule)> {
    SUB_RULES.iter().enumerate().filter(move |(_, (key, ..))| *key == parent).map(
        |(index, (_, path, field, convention))| {
            let rank = u16::try_from(RULES.len() + index).unwrap_or(u16::MAX);
            (*path, Rule { field: *field, convention: *convention, rank, telling: false })
        },
    )
}

/// The family that a key belongs to, what follows its prefix, and who defines it.
pub(crate) fn family(key: &str) -> Option<(Family, &str, Convention)> {
    // Nearly every key that is in no table fails here.
    if !key.starts_with("llm.") && !key.starts_with("gen_ai.") {
        return None;
    }
    FAMILIES.iter().find_map(|(prefix, family, convention)| {
        let rest = key.strip_prefix(prefix)?;
        rest.starts_with(|first: char| first.is_ascii_digit()).then_some((*family, rest, *convention))
    })
}

/// Whose name space a key is in, when no column needs it.
pub(crate) fn name_space(key: &str) -> Option<Convention> {
    TRACES_OF.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, convention)| *convention)
}

/// The column that an attribute feeds, and the convention (as in the `dialect` column) that says so; `None` of attributes that only
/// stand in the `attributes` column. Messages and tool lists that are flattened over many keys are known, too; for an attribute that is JSON
/// with several fields the column of the first of them is given.
pub fn mapped_attribute(key: &str) -> Option<(&'static str, &'static str)> {
    if let Some(known) = known(key) {
        let (Known::Rule(rule) | Known::Parent(Some(rule), _)) = known else {
            return sub_rules(key).next().map(|(_, rule)| (rule.field.column(), rule.convention.as_str()));
        };
        return Some((rule.field.column(), rule.convention.as_str()));
    }
    let (family, _, convention) = family(key)?;
    let column = if family == Family::Tools { "offered_tools" } else { "messages" };
    Some((column, convention.as_str()))
}

/// The whole table of conventions, a row an attribute.
pub fn mapped_attributes() -> impl Iterator<Item = MappedAttribute> {
    let row = |key, path, field: Field, convention: Convention| MappedAttribute {
        key,
        path,
        column: field.column(),
        convention: convention.as_str(),
    };
    let plain = RULES.iter().map(move |(key, field, convention)| row(key, None, *field, *convention));
    let nested = SUB_RULES.iter().map(move |(key, path, field, convention)| row(key, Some(*path), *field, *convention));
    let families = FAMILIES.iter().map(move |(prefix, family, convention)| {
        let field = match family {
            Family::InputMessages => Field::InputMessages,
            Family::OutputMessages => Field::OutputMessages,
            Family::Tools => Field::ToolDefinitions,
        };
        row(prefix, Some("N.*"), field, *convention)
    });
    plain.chain(nested).chain(families)
}

/// A row of the table of conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappedAttribute {
    /// The attribute's key; of a flattened list the prefix before the position.
    pub key: &'static str,
    /// Where in the attribute's JSON the value stands, or what follows the prefix.
    pub path: Option<&'static str>,
    /// The column of `spans` that it feeds; `messages` for the table of that name.
    pub column: &'static str,
    /// Who defines it, as in the `dialect` column.
    pub convention: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attribute_stands_twice() {
        let keys: std::collections::BTreeSet<&str> = RULES.iter().map(|(key, ..)| *key).collect();
        assert_eq!(keys.len(), RULES.len());
        let paths: std::collections::BTreeSet<_> = SUB_RULES.iter().map(|(key, path, ..)| (*key, *path)).collect();
        assert_eq!(paths.len(), SUB_RULES.len());
    }

    #[test]
    fn every_field_is_reachable() {
        let plain = RULES.iter().map(|(_, field, _)| *field);
        let fields: std::collections::BTreeSet<Field> = plain.chain(SUB_RULES.iter().map(|rule| rule.2)).collect();
        assert_eq!(fields.len(), FIELDS);
    }

    #[test]
    fn fields_stand_together() {
        let mut fields: Vec<Field> = RULES.iter().map(|(_, field, _)| *field).collect();
        fields.dedup();
        let distinct: std::collections::BTreeSet<&Field> = fields.iter().collect();
        assert_eq!(distinct.len(), fields.len(), "rules of one field stand apart: {fields:?}");
    }

    #[test]
    fn each_key_is_found_and_others_are_not() {
        for row in mapped_attributes() {
            let key = if row.path == Some("N.*") { format!("{}3.name", row.key) } else { row.key.to_owned() };
            assert!(mapped_attribute(&key).is_some(), "{key}");
        }
        for (key, expected) in [
            ("llm.token_count.prompt", Some(("input_tokens", "openinference"))),
            ("llm.input_messages.12.message.content", Some(("messages", "openinference"))),
            ("gen_ai.completion.0.tool_calls.1.name", Some(("messages", "traceloop"))),
            ("llm.tools.0.tool.json_schema", Some(("offered_tools", "openinference"))),
            ("langfuse.observation.usage_details", Some(("input_tokens", "langfuse"))),
            ("ai.response.providerMetadata", Some(("cached_input_tokens", "vercel"))),
            ("llm.input_messages.x", None),
            ("tenant.id", None),
            ("", None),
        ] {
            assert_eq!(mapped_attribute(key), expected, "{key}");
        }
    }
}
