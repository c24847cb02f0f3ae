//! Aggregates, windows, and what makes rows.

use super::{Entry, Group};

const fn aggregate(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Aggregates, name, signature, meaning, example)
}

const fn window(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Windows, name, signature, meaning, example)
}

const fn rows(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Rows, name, signature, meaning, example)
}

pub(super) const ENTRIES: &[Entry] = &[
    aggregate(
        "count",
        "count(*), count(x), count(DISTINCT x)",
        "How many rows, how many that are not NULL, how many different values.",
        "SELECT count(*) AS spans, count(model) AS with_model, count(DISTINCT trace_id) AS traces FROM spans",
    ),
    aggregate(
        "FILTER",
        "aggregate FILTER (WHERE condition)",
        "An aggregate over the rows for which a condition holds: several counts in one statement.",
        "SELECT count(*) FILTER (WHERE status = 'ERROR') AS failed, count(*) AS spans FROM spans",
    ),
    aggregate("sum", "sum(x)", "The sum.", "SELECT sum(input_tokens) AS tokens FROM traces"),
    aggregate("avg", "avg(x)", "The mean.", "SELECT avg(duration_ms) AS mean FROM traces"),
    aggregate("min", "min(x)", "The least, of texts and times as well.", "SELECT min(start_time) AS first FROM traces"),
    aggregate(
        "max",
        "max(x)",
        "The greatest, of texts and times as well.",
        "SELECT max(start_time) AS last FROM traces",
    ),
    aggregate("median", "median(x)", "The value in the middle.", "SELECT median(duration_ms) AS middle FROM spans"),
    aggregate(
        "percentile_cont",
        "percentile_cont(share) WITHIN GROUP (ORDER BY x)",
        "The value below which a share of all lies, exactly.",
        "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95 FROM spans",
    ),
    aggregate(
        "approx_percentile_cont",
        "approx_percentile_cont(x, share)",
        "The same about right, in little memory.",
        "SELECT approx_percentile_cont(duration_ms, 0.95) AS p95 FROM spans",
    ),
    aggregate(
        "approx_distinct",
        "approx_distinct(x)",
        "About how many different values, in little memory.",
        "SELECT approx_distinct(trace_id) AS traces FROM spans",
    ),
    aggregate(
        "stddev",
        "stddev(x)",
        "The standard deviation of a sample.",
        "SELECT stddev(duration_ms) AS spread FROM spans",
    ),
    aggregate("var", "var(x)", "The variance of a sample.", "SELECT var(step) AS variance FROM spans"),
    aggregate(
        "corr",
        "corr(x, y)",
        "How much two numbers go together, from -1 to 1.",
        "SELECT corr(input_tokens, duration_ms) AS together FROM spans WHERE span_type = 'LLM'",
    ),
    aggregate(
        "array_agg",
        "array_agg([DISTINCT] x [ORDER BY y])",
        "The values as a list.",
        "SELECT trace_id, array_agg(name ORDER BY step) AS path FROM spans GROUP BY 1 ORDER BY 1",
    ),
    aggregate(
        "string_agg",
        "string_agg(text, separator [ORDER BY y])",
        "The texts as one.",
        "SELECT trace_id, string_agg(span_type, ' ' ORDER BY step) AS path FROM spans GROUP BY 1 ORDER BY 1",
    ),
    aggregate(
        "bool_and",
        "bool_and(condition)",
        "Whether it holds for all rows.",
        "SELECT bool_and(has_errors) AS all_failed FROM traces",
    ),
    aggregate(
        "bool_or",
        "bool_or(condition)",
        "Whether it holds for any row.",
        "SELECT bool_or(has_errors) AS any_failed FROM traces",
    ),
    aggregate(
        "any_value",
        "any_value(x)",
        "One of the values that are not NULL.",
        "SELECT tool_name, any_value(span_id) IS NOT NULL AS has_one FROM spans GROUP BY 1 ORDER BY 1",
    ),
    aggregate(
        "first_value",
        "first_value(x ORDER BY y)",
        "The value of the first row; over a window, of its first row.",
        "SELECT trace_id, first_value(name ORDER BY step) AS root FROM spans GROUP BY 1 ORDER BY 1",
    ),
    aggregate(
        "last_value",
        "last_value(x ORDER BY y)",
        "The value of the last row; over a window, of its last row.",
        "SELECT trace_id, last_value(name ORDER BY step) AS last_step FROM spans GROUP BY 1 ORDER BY 1",
    ),
    aggregate(
        "grouping",
        "grouping(x)",
        "1 in the rows of GROUP BY ROLLUP, CUBE or GROUPING SETS that are summed over x.",
        "SELECT span_type, status, grouping(status) AS is_total, count(*) AS spans FROM spans GROUP BY ROLLUP (span_type, status) ORDER BY 1, 2, 3",
    ),
    window(
        "OVER",
        "function OVER ([PARTITION BY a] [ORDER BY b] [ROWS BETWEEN ... AND ...])",
        "A function over the rows around each row; any aggregate can be one.",
        "SELECT trace_id, step, sum(input_tokens) OVER (PARTITION BY trace_id ORDER BY step) AS tokens_so_far FROM spans ORDER BY 1, 2",
    ),
    window(
        "row_number",
        "row_number() OVER (...)",
        "The number of the row, from 1.",
        "SELECT trace_id, name FROM (SELECT *, row_number() OVER (PARTITION BY trace_id ORDER BY step DESC) AS back FROM spans) AS numbered WHERE back = 1 ORDER BY 1",
    ),
    window(
        "rank",
        "rank() OVER (...)",
        "The place of the row, with gaps after equal ones.",
        "SELECT span_id, rank() OVER (ORDER BY duration_ms DESC) AS place FROM spans ORDER BY 2, 1 LIMIT 3",
    ),
    window(
        "dense_rank",
        "dense_rank() OVER (...)",
        "The place of the row, without gaps.",
        "SELECT span_id, dense_rank() OVER (ORDER BY status) AS place FROM spans ORDER BY 2, 1 LIMIT 3",
    ),
    window(
        "lag",
        "lag(x [, n [, default]]) OVER (...)",
        "The value n rows before (1 when not given): what happened just before.",
        "SELECT trace_id, lag(name) OVER (PARTITION BY trace_id ORDER BY step) AS before, name FROM spans ORDER BY 1, step",
    ),
    window(
        "lead",
        "lead(x [, n [, default]]) OVER (...)",
        "The value n rows after: what happened next.",
        "SELECT name, lead(name) OVER (PARTITION BY trace_id ORDER BY step) AS next FROM spans ORDER BY trace_id, step",
    ),
    window(
        "ntile",
        "ntile(n) OVER (...)",
        "Which of n parts of about equal size the row is in.",
        "SELECT trace_id, ntile(2) OVER (ORDER BY trace_id) AS half FROM traces ORDER BY 1",
    ),
    window(
        "nth_value",
        "nth_value(x, n) OVER (...)",
        "The value of the n-th row of the window.",
        "SELECT DISTINCT trace_id, nth_value(name, 1) OVER (PARTITION BY trace_id ORDER BY step) AS root FROM spans ORDER BY 1",
    ),
    window(
        "percent_rank",
        "percent_rank() OVER (...)",
        "The place of the row as a share, from 0 to 1.",
        "SELECT span_id, percent_rank() OVER (ORDER BY step) AS place FROM spans ORDER BY 2, 1 LIMIT 3",
    ),
    window(
        "cume_dist",
        "cume_dist() OVER (...)",
        "The share of rows up to this one.",
        "SELECT trace_id, cume_dist() OVER (ORDER BY trace_id) AS share FROM traces ORDER BY 1",
    ),
    rows(
        "unnest",
        "unnest(list)",
        "A row for each item of a list.",
        "SELECT unnest(tool_names) AS tool, count(*) AS traces FROM traces GROUP BY 1 ORDER BY 1",
    ),
    rows(
        "generate_series",
        "generate_series(from, to [, step])",
        "A row for each number, or each time, both ends included; as a value, a list.",
        "SELECT value FROM generate_series(1, 3)",
    ),
    rows(
        "range",
        "range(from, to [, step])",
        "The same without the last; as a value, a list.",
        "SELECT value FROM range(0, 3)",
    ),
];
