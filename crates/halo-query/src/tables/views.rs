//! The SQL of the views, over the tables `spans_stored`, `traces_stored` and `traces_whole` with the columns of the files.

use halo_dataset::{Column, ColumnKind, SPAN_COLUMNS, TRACE_COLUMNS};

use super::Held;
use crate::content::{FILL_JSON, TEXT_OF, TOOL_CALLS};

/// The view of spans with ids where others show texts.
pub(super) const STORED_SPANS: &str = "spans_numbered";

/// The views in the order in which they build on each other. `straddle` tells that some traces stand in several segments, and which are held.
pub(super) fn all(straddle: Option<Held<'_>>) -> [(&'static str, String); 8] {
    [
        (STORED_SPANS, numbered(straddle)),
        ("spans", format!("SELECT {} FROM spans_numbered", shown(SPAN_COLUMNS))),
        ("traces", traces(straddle)),
        ("messages", MESSAGES.to_owned()),
        ("tool_calls", TOOL_CALLS_SQL.to_owned()),
        ("errors", ERRORS.to_owned()),
        ("prompts", PROMPTS.to_owned()),
        ("attribute_values", "SELECT * FROM attribute_values_found".to_owned()),
    ]
}

/// Spans as they are stored, with their true steps.
fn numbered(straddle: Option<Held<'_>>) -> String {
    let columns = SPAN_COLUMNS.iter().filter(|column| column.kind != ColumnKind::Derived && column.name != "tags");
    let columns: Vec<String> = columns
        .map(|column| match column.name {
            "step" if matches!(straddle, Some(Held::All | Held::Straddling)) => {
                "straddle_step(row_id, step) AS step".to_owned()
            }
            _ => column.stored_name(),
        })
        .collect();
    let condition = match straddle {
        None | Some(Held::All) => "",
        Some(Held::Segments(_)) => " WHERE NOT straddles(trace_id)",
        Some(Held::Straddling) => " WHERE straddles(trace_id)",
    };
    format!("SELECT {} FROM spans_stored{condition}", columns.join(", "))
}

/// Traces; of those that stand in several segments, their whole rows instead of the partial ones.
fn traces(straddle: Option<Held<'_>>) -> String {
    let columns = shown(TRACE_COLUMNS);
    let in_one = format!("SELECT {columns} FROM traces_stored WHERE NOT straddles(trace_id)");
    let in_several = format!("SELECT {columns} FROM traces_whole");
    match straddle {
        None => format!("SELECT {columns} FROM traces_stored"),
        Some(Held::All) => format!("{in_one} UNION ALL {in_several}"),
        Some(Held::Segments(_)) => in_one,
        Some(Held::Straddling) => in_several,
    }
}

/// The columns that SQL shows.
fn shown(columns: &[Column]) -> String {
    let shown = columns.iter().filter(|column| !column.internal).map(|column| {
        let name = column.name;
        match column.kind {
            ColumnKind::TextRef => format!("{TEXT_OF}({}) AS {name}", column.stored_name()),
            ColumnKind::Skeleton => {
                format!("{FILL_JSON}({name}, texts, input_messages, output_messages, extra_messages) AS {name}")
            }
            // The one such column is that of requested tool calls.
            ColumnKind::Derived => {
                format!("CASE WHEN span_type = 'LLM' THEN {TOOL_CALLS}(output_messages) END AS {name}")
            }
            _ if name == "error_signature" => format!("cause_of({name}) AS {name}"),
            _ => name.to_owned(),
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

const MESSAGES: &str = "
SELECT trace_id, span_id, step,
       CASE WHEN place % 2 = 1 THEN 'output' ELSE 'input' END AS direction,
       place / 2 AS position,
       message_role(message, place) AS role,
       message_content(message) AS content,
       message_tool_calls(message) AS tool_calls,
       message_answers(message) AS tool_call_id,
       row_number() OVER (PARTITION BY trace_id, message_identity(message, place) ORDER BY step, place % 2, place) = 1 AS is_new,
       message_identity(message, place) AS message_id
FROM (SELECT trace_id, span_id, step,
             unnest(message_rows(input_messages, output_messages)) AS message,
             unnest(message_places(input_messages, output_messages)) AS place
      FROM spans_numbered WHERE span_type = 'LLM') AS listed
";

/// The signature is that of the cause where the message stood on the span; what only the output tells has one of its own.
const ERRORS: &str = "
SELECT trace_id, span_id, step, span_name, span_type, tool_name, error_type,
       coalesce(cause_of(nullif(error_signature, '')), error_signature(message)) AS signature, message, time, service_name, agent_name, model
FROM (SELECT trace_id, span_id, step, name AS span_name, span_type, tool_name, error_type, error_signature,
             coalesce(nullif(status_message, ''),
                      error_message(attributes, texts, input_messages, output_messages, extra_messages, events),
                      text_of(output_id)) AS message,
             start_time AS time, service_name, agent_name, model
      FROM spans_numbered WHERE status = 'ERROR') AS failed
";

const PROMPTS: &str = "
SELECT prompt_id, kind, coalesce(made_text, text_of(text_id)) AS text, agent_name, service_name, versions, models, first_seen, last_seen,
       traces, spans, previous_id,
       diff_lines(coalesce(previous_made_text, text_of(previous_text_id)), coalesce(made_text, text_of(text_id))) AS changes
FROM prompts_found
";

/// Requests (side 0) and executions (side 1) are numbered in one stream of events, and those with one key are one call: by the id where both
/// sides have it, else first come, first served among those of one tool. An execution that comes when no request is open stays alone: its
/// running balance (executions less requests) is higher than ever before.
///
/// Texts are `Utf8` here, and arguments only their keys: views into pages would count whole pages for each batch that is sorted, and the texts
/// themselves need not be sorted at all.
const TOOL_CALLS_SQL: &str = "
WITH asked AS (
  SELECT arrow_cast(trace_id, 'Utf8') AS trace_id, arrow_cast(span_id, 'Utf8') AS span_id,
         arrow_cast(parent_span_id, 'Utf8') AS parent_span_id, step, place, message, arrow_cast(offered_tools, 'Utf8') AS offered_tools,
         arrow_cast(call_id(message, place), 'Utf8') AS id, arrow_cast(call_name(message, place), 'Utf8') AS tool
  FROM (SELECT trace_id, span_id, parent_span_id, step, offered_tools,
               unnest(call_messages(output_messages)) AS message, unnest(call_places(output_messages)) AS place
        FROM spans_numbered WHERE span_type = 'LLM') AS listed
),
nested AS (
  -- A client's span inside a framework's span records the same reply again.
  SELECT *, coalesce(lag(span_id) OVER (PARTITION BY trace_id, tool, id, place ORDER BY step) = parent_span_id, false) AS is_again FROM asked
),
events AS (
  SELECT trace_id, 0 AS side, span_id, step, place, message, offered_tools, id, tool,
         CAST(NULL AS BIGINT) AS input_id, CAST(NULL AS BIGINT) AS output_id, arrow_cast(NULL, 'Utf8') AS status,
         arrow_cast(NULL, 'Utf8') AS status_message, arrow_cast(NULL, 'Utf8') AS error_type, arrow_cast(NULL, 'Utf8') AS error_signature,
         arrow_cast(NULL, 'Utf8') AS failure_code, CAST(NULL AS BIGINT) AS started, CAST(NULL AS BIGINT) AS ended,
         CAST(NULL AS DOUBLE) AS duration_ms
  FROM nested WHERE NOT is_again
  UNION ALL
  SELECT arrow_cast(trace_id, 'Utf8'), 1, arrow_cast(span_id, 'Utf8'), step, 0, NULL, arrow_cast(NULL, 'Utf8'),
         arrow_cast(nullif(tool_call_id, ''), 'Utf8'), arrow_cast(coalesce(tool_name, name), 'Utf8'), input_id, output_id,
         arrow_cast(status, 'Utf8'), arrow_cast(status_message, 'Utf8'), arrow_cast(error_type, 'Utf8'),
         arrow_cast(error_signature, 'Utf8'), arrow_cast(failure_code, 'Utf8'), CAST(start_time AS BIGINT), CAST(end_time AS BIGINT),
         duration_ms
  FROM spans_numbered WHERE span_type = 'TOOL'
),
turns AS (
  SELECT *, CAST(row_number() OVER (PARTITION BY trace_id, id, side ORDER BY step, place) AS BIGINT) AS id_turn,
         max(CASE WHEN side = 0 AND id IS NOT NULL THEN 1 ELSE 0 END) OVER (PARTITION BY trace_id) AS are_ids_asked
  FROM events
),
matched AS (
  SELECT *, coalesce(id IS NOT NULL AND count(*) OVER (PARTITION BY trace_id, id, id_turn) = 2, false) AS by_id FROM turns
),
pooled AS (
  -- An execution with an id that nobody asked for is none of those that were asked for by their ids.
  SELECT *, CASE WHEN by_id THEN 'id' WHEN side = 1 AND id IS NOT NULL AND are_ids_asked = 1 THEN 'alone' ELSE 'name' END AS pool FROM matched
),
balanced AS (
  SELECT *, sum(side * 2 - 1) OVER (PARTITION BY trace_id, tool, pool ORDER BY step, side, place ROWS UNBOUNDED PRECEDING) AS balance,
         CAST(row_number() OVER (PARTITION BY trace_id, tool, pool, side ORDER BY step, place) AS BIGINT) AS turn
  FROM pooled
),
highest AS (
  SELECT *, greatest(coalesce(max(balance) OVER (PARTITION BY trace_id, tool, pool ORDER BY step, side, place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0), 0) AS high
  FROM balanced
),
keyed AS (
  SELECT *,
         CASE WHEN pool = 'id' THEN id ELSE tool END AS key_text,
         CASE WHEN pool = 'id' THEN 'id' WHEN side = 1 AND balance > high THEN concat(pool, ' unasked') ELSE pool END AS key_kind,
         CASE WHEN pool = 'id' THEN id_turn WHEN side = 1 AND balance <= high THEN turn - high ELSE turn END AS key_turn
  FROM highest
),
calls AS (
  SELECT trace_id, max(side) AS is_executed,
         coalesce(max(CASE WHEN side = 1 THEN step END), max(step)) AS step,
         coalesce(max(CASE WHEN side = 1 THEN tool END), max(tool)) AS tool_name,
         coalesce(max(CASE WHEN side = 1 THEN id END), max(id)) AS tool_call_id,
         max(CASE WHEN side = 0 THEN tool END) AS asked_tool, max(offered_tools) AS offered_tools,
         max(message) AS message, max(place) AS place, max(input_id) AS input_id, max(output_id) AS output_id, max(status) AS status,
         max(status_message) AS status_message, max(error_type) AS error_type, max(error_signature) AS error_signature,
         max(failure_code) AS failure_code, max(started) AS started, max(ended) AS ended, max(duration_ms) AS duration_ms,
         max(CASE WHEN side = 0 THEN span_id END) AS requested_by_span_id, max(CASE WHEN side = 1 THEN span_id END) AS executed_by_span_id
  FROM keyed GROUP BY trace_id, key_kind, key_text, key_turn
),
told AS (
  SELECT *, text_key(coalesce(text_of(input_id), call_arguments(message, place))) AS arguments_key,
         CASE WHEN is_executed = 1 THEN coalesce(status = 'ERROR', false) OR failure_code IS NOT NULL END AS failed,
         CAST(started - lag(ended) IGNORE NULLS OVER (PARTITION BY trace_id, is_executed ORDER BY step, place) AS DOUBLE) / 1e6 AS gap_ms
  FROM calls
),
compared AS (
  SELECT *, CASE WHEN tool_name = lag(tool_name) OVER in_order AND arguments_key IS NOT DISTINCT FROM lag(arguments_key) OVER in_order THEN 0 ELSE 1 END AS is_other
  FROM told WINDOW in_order AS (PARTITION BY trace_id ORDER BY step, place)
),
counted AS (
  SELECT *, sum(is_other) OVER (PARTITION BY trace_id ORDER BY step, place ROWS UNBOUNDED PRECEDING) AS run FROM compared
)
SELECT trace_id, step, tool_name, coalesce(text_of(input_id), call_arguments(message, place)) AS arguments, text_of(output_id) AS result, status, failed,
       CASE WHEN failed THEN coalesce(failure_code, error_type, 'status_error') END AS failure_code,
       CASE WHEN failed THEN coalesce(cause_of(error_signature), error_signature(coalesce(status_message, text_of(output_id)))) END AS failure_signature,
       strpos(offered_tools, concat('\"', asked_tool, '\"')) > 0 AS offered,
       row_number() OVER (PARTITION BY trace_id, run ORDER BY step, place) AS attempt,
       gap_ms, requested_by_span_id, executed_by_span_id, duration_ms, tool_call_id
FROM counted
";
