//! `map_rows`: one question about each row of a query, answered by a model, the answers a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use futures::StreamExt;
use halo_llm::OutputSchema;
use halo_protocol::{Message, RequestPurpose, Usage};
use halo_tool::{ColumnType, DataTables, NewTable, Rows, Tool, ToolContext, ToolError, ToolOutput, clip_middle};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::row_schema::RowSchema;
use crate::budget::Share;
use crate::runtime::{AskError, Question, Runtime};
use crate::{AgentIdentity, prompt};

const ROWS_DEFAULT: usize = 500;
const ROWS_MAX: usize = 5_000;

/// Columns that name a row and say nothing about it. The model is not shown them, so that equal rows are asked once.
const KEYS: [&str; 3] = ["trace_id", "span_id", "parent_span_id"];

/// Longest text of a column that is kept beside the answers, in characters. Longer ones stand in the dataset.
const KEPT_CHARS_MAX: usize = 200;

/// Characters of one row that the model reads.
const ROW_CHARS_MAX: usize = 60_000;

/// Rows shown in the result.
const ROWS_SHOWN: usize = 5;

/// Name of the column that says why a row has no answer.
const ERROR: &str = "error";

/// The tool.
pub(crate) struct MapRows {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) tables: Arc<dyn DataTables>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MapRowsArgs {
    query: String,
    question: String,
    /// Fields of an answer, each a JSON schema: {"lost": {"type": "boolean"}, "kind": {"enum": ["a", "b"]}}.
    schema: Map<String, Value>,
    save_as: String,
    /// Most rows, 500 when absent.
    limit: Option<usize>,
}

/// What is the same for all rows.
struct Asking<'a> {
    agent: &'a AgentIdentity,
    system: &'a str,
    schema: &'a RowSchema,
    output: &'a OutputSchema,
}

/// What came of one row.
struct Answered {
    row: Result<Map<String, Value>, String>,
    usage: Usage,
    was_known: bool,
    /// Whether the budget or the user ended the work.
    stopped: bool,
}

impl Tool for MapRows {
    type Args = MapRowsArgs;

    fn name(&self) -> &'static str {
        "map_rows"
    }

    fn description(&self) -> &str {
        include_str!("map_rows.md")
    }

    fn waits(&self) -> bool {
        true
    }

    async fn call(&self, args: MapRowsArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let schema = RowSchema::parse(&args.schema.into()).map_err(ToolError::for_model)?;
        let limit = args.limit.unwrap_or(ROWS_DEFAULT).clamp(1, ROWS_MAX);
        let rows = self.tables.rows(&args.query, limit, &context.cancel).await?;
        if rows.rows.is_empty() {
            return Err(ToolError::for_model("the query gives no rows, so there is nothing to ask about"));
        }
        let clash = schema.columns().into_iter().find(|(name, _)| rows.columns.contains(name) || name == ERROR);
        if let Some((name, _)) = clash {
            return Err(ToolError::for_model(format!(
                "the field `{name}` has the name of a column of the query or of the result; name it otherwise"
            )));
        }
        let agent = self.runtime.agent(&context.agent_id);
        let answers = self.ask_all(&agent, &args.question, &schema, &rows).await;
        let table = table(&rows, &schema, &answers);
        self.tables.save(&args.save_as, table.clone()).await?;
        Ok(ToolOutput::text(told(&args.save_as, &rows, &schema, &answers, &table)))
    }
}

impl MapRows {
    /// Asks about each row. Answers come in the order of the rows. Equal rows are asked once.
    async fn ask_all(&self, agent: &AgentIdentity, question: &str, schema: &RowSchema, rows: &Rows) -> Vec<Answered> {
        let system = prompt::row(question, &schema.to_json());
        let order: Vec<String> = rows.rows.iter().map(shown).collect();
        let texts: BTreeSet<String> = order.iter().cloned().collect();
        let output = OutputSchema { name: "answer".to_owned(), schema: schema.to_json() };
        let parallel = self.runtime.options.max_parallel.max(1) * 2;
        let asking = &Asking { agent, system: &system, schema, output: &output };
        let asked = texts.into_iter().map(|text| async move {
            let answer = self.ask(asking, &text).await;
            (text, answer)
        });
        let answers: BTreeMap<String, Answered> =
            futures::stream::iter(asked).buffer_unordered(parallel).collect().await;
        let mut told = BTreeSet::new();
        let each = order.iter().filter_map(|text| {
            let answer = answers.get(text.as_str())?;
            // What it cost stands with the first of equal rows.
            let first = told.insert(text.as_str());
            Some(Answered {
                row: answer.row.clone(),
                usage: if first { answer.usage } else { Usage::default() },
                was_known: answer.was_known || !first,
                stopped: answer.stopped,
            })
        });
        each.collect()
    }

    /// Asks about one row, and once more when the answer does not fit the schema.
    async fn ask(&self, asking: &Asking<'_>, row: &str) -> Answered {
        let mut messages = vec![
            Message::System { content: asking.system.to_owned() },
            Message::User { content: prompt::fenced_row(row) },
        ];
        let mut answered =
            Answered { row: Err(String::new()), usage: Usage::default(), was_known: true, stopped: false };
        for _ in 0..2 {
            let question = Question {
                purpose: RequestPurpose::Row,
                turn: 0,
                messages: &messages,
                tools: &[],
                schema: Some(asking.output),
                share: Share::Work,
            };
            match self.runtime.ask_once(asking.agent, question).await {
                Ok((reply, was_known)) => {
                    answered.usage.add(&reply.usage);
                    answered.was_known &= was_known;
                    answered.row = asking.schema.read(&reply.content);
                    let Err(reason) = &answered.row else {
                        return answered;
                    };
                    let said = if reply.content.trim().is_empty() { "(nothing)".to_owned() } else { reply.content };
                    messages.push(Message::Assistant { content: said, tool_calls: vec![], provider_items: vec![] });
                    messages.push(Message::User { content: format!("{reason}. Answer with the JSON object alone.") });
                }
                Err(error) => {
                    answered.stopped = !matches!(error, AskError::Model(_));
                    answered.row = Err(error.for_model());
                    return answered;
                }
            }
        }
        answered
    }
}

/// A row as the model reads it.
fn shown(row: &Map<String, Value>) -> String {
    let told: Map<String, Value> = row
        .iter()
        .filter(|(name, _)| !KEYS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    // A query of ids alone is asked about its ids.
    let told = if told.is_empty() { row } else { &told };
    clip_middle(&serde_json::to_string_pretty(told).unwrap_or_default(), ROW_CHARS_MAX)
}

/// Short columns of the query, the answers, and why there is none.
fn table(rows: &Rows, schema: &RowSchema, answers: &[Answered]) -> NewTable {
    let kept: Vec<(String, ColumnType)> = rows
        .columns
        .iter()
        .filter(|name| is_short(rows, name))
        .map(|name| (name.clone(), type_of(rows, name)))
        .collect();
    let each = rows.rows.iter().zip(answers).map(|(row, answer)| {
        let mut out: Map<String, Value> =
            kept.iter().filter_map(|(name, _)| Some((name.clone(), row.get(name)?.clone()))).collect();
        match &answer.row {
            Ok(fields) => out.extend(fields.clone()),
            Err(reason) => drop(out.insert(ERROR.to_owned(), Value::from(reason.as_str()))),
        }
        out
    });
    let each = each.collect();
    let columns = kept.into_iter().chain(schema.columns()).chain([(ERROR.to_owned(), ColumnType::Text)]).collect();
    NewTable { columns, rows: each }
}

fn is_short(rows: &Rows, column: &str) -> bool {
    rows.rows.iter().filter_map(|row| row.get(column)).all(|value| match value {
        Value::String(text) => text.chars().count() <= KEPT_CHARS_MAX,
        Value::Array(_) | Value::Object(_) => value.to_string().len() <= KEPT_CHARS_MAX,
        _ => true,
    })
}

/// The type that holds all values of a column.
fn type_of(rows: &Rows, column: &str) -> ColumnType {
    let values = || rows.rows.iter().filter_map(|row| row.get(column)).filter(|value| !value.is_null());
    if values().next().is_none() {
        ColumnType::Text
    } else if values().all(Value::is_boolean) {
        ColumnType::Boolean
    } else if values().all(Value::is_i64) {
        ColumnType::Integer
    } else if values().all(Value::is_number) {
        ColumnType::Number
    } else {
        ColumnType::Text
    }
}

/// What the agent reads: how many, what came of them, the first rows.
fn told(name: &str, rows: &Rows, schema: &RowSchema, answers: &[Answered], table: &NewTable) -> String {
    let failed: Vec<&str> = answers.iter().filter_map(|answer| answer.row.as_ref().err()).map(String::as_str).collect();
    let known = answers.iter().filter(|answer| answer.was_known && answer.row.is_ok()).count();
    let mut usage = Usage::default();
    answers.iter().filter(|answer| !answer.was_known).for_each(|answer| usage.add(&answer.usage));
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = format!(
        "answered {} of {} rows ({known} known already, {} failed), {} tokens; saved as `{name}`: {}\n",
        answers.len() - failed.len(),
        answers.len(),
        failed.len(),
        usage.total_tokens(),
        columns.join(", ")
    );
    // Writing to a String cannot fail.
    if rows.has_more {
        let _ = writeln!(text, "the query has more rows than were asked about; raise `limit` or narrow the query");
    }
    if let Some(reason) = failed.first() {
        let _ = writeln!(text, "failed because: {}", clip_middle(reason, 300));
    }
    if answers.iter().any(|answer| answer.stopped) {
        let _ = writeln!(text, "the budget ended it early; the same call would ask only about what is missing");
    }
    for field in schema.countable() {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for value in table.rows.iter().filter_map(|row| row.get(field)) {
            *counts.entry(value.as_str().map_or_else(|| value.to_string(), str::to_owned)).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(value, count)| format!("{value} {count}")).collect();
        let _ = writeln!(text, "{field}: {}", counts.join(", "));
    }
    for row in table.rows.iter().take(ROWS_SHOWN) {
        let line = Value::Object(row.clone()).to_string();
        let _ = writeln!(text, "{}", clip_middle(&line, 400));
    }
    text.trim_end().to_owned()
}
