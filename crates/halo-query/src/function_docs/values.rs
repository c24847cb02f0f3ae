//! Times, numbers, conditions and types.

use super::{Entry, Group};

const fn time(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Times, name, signature, meaning, example)
}

const fn value(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Values, name, signature, meaning, example)
}

pub(super) const ENTRIES: &[Entry] = &[
    time(
        "date_trunc",
        "date_trunc(unit, time)",
        "The start of the second, minute, hour, day, week, month, quarter or year that a time is in.",
        "SELECT date_trunc('hour', start_time) AS hour, count(*) AS traces FROM traces GROUP BY 1 ORDER BY 1",
    ),
    time(
        "date_bin",
        "date_bin(interval, time [, origin])",
        "The start of the stretch that a time is in, where stretches are of any length.",
        "SELECT date_bin(INTERVAL '15 minutes', start_time) AS quarter, count(*) AS traces FROM traces GROUP BY 1 ORDER BY 1",
    ),
    time(
        "date_part",
        "date_part(unit, time)",
        "One part of a time as a number: year, month, day, hour, minute, second, dow (day of the week, Sunday is 0), epoch.",
        "SELECT date_part('hour', start_time) AS hour, count(*) AS traces FROM traces GROUP BY 1 ORDER BY 1",
    ),
    time(
        "EXTRACT",
        "EXTRACT(unit FROM time)",
        "The same as date_part.",
        "SELECT EXTRACT(minute FROM start_time) AS minute FROM traces ORDER BY 1 LIMIT 3",
    ),
    time(
        "INTERVAL",
        "time + INTERVAL '1 hour'",
        "A length of time to add, subtract or compare with; the difference of two times is one.",
        "SELECT count(*) AS traces FROM traces WHERE start_time >= (SELECT max(start_time) FROM traces) - INTERVAL '1 day'",
    ),
    time("now", "now()", "The time at which the statement began.", "SELECT now() > TIMESTAMP '2020-01-01' AS later"),
    time("current_date", "current_date()", "Today, in UTC.", "SELECT current_date() > DATE '2020-01-01' AS later"),
    time(
        "to_char",
        "to_char(time, format)",
        "A time as text, by strftime's signs.",
        "SELECT to_char(TIMESTAMP '2026-01-05 10:00:00', '%d.%m.%Y %H:%M') AS day",
    ),
    time(
        "to_timestamp",
        "to_timestamp(text [, format, ...])",
        "The time that a text tells, or that a number of seconds since 1970 is.",
        "SELECT to_timestamp('2026-01-05T10:00:00Z') AS time",
    ),
    time(
        "to_timestamp_millis",
        "to_timestamp_millis(number)",
        "The time that a number of milliseconds since 1970 is. The same for seconds, micros and nanos.",
        "SELECT to_timestamp_millis(1767607200000) AS time",
    ),
    time(
        "to_unixtime",
        "to_unixtime(time)",
        "Seconds since 1970.",
        "SELECT to_unixtime(TIMESTAMP '2026-01-05 10:00:00') AS seconds",
    ),
    time(
        "to_date",
        "to_date(text [, format, ...])",
        "The day that a text tells.",
        "SELECT to_date('2026-01-05') AS day",
    ),
    time(
        "make_date",
        "make_date(year, month, day)",
        "The day with these numbers.",
        "SELECT make_date(2026, 1, 5) AS day",
    ),
    value(
        "CASE",
        "CASE WHEN condition THEN a [WHEN ...] [ELSE b] END",
        "The first value whose condition holds.",
        "SELECT CASE WHEN duration_ms > 1000 THEN 'slow' ELSE 'quick' END AS pace, count(*) AS spans FROM spans GROUP BY 1 ORDER BY 1",
    ),
    value(
        "coalesce",
        "coalesce(a, b, ...)",
        "The first that is not NULL.",
        "SELECT coalesce(tool_name, name) AS step, count(*) AS spans FROM spans GROUP BY 1 ORDER BY 1",
    ),
    value(
        "nullif",
        "nullif(a, b)",
        "a, or NULL when it equals b.",
        "SELECT sum(output_tokens) / nullif(sum(llm_calls), 0) AS tokens_per_call FROM traces",
    ),
    value("greatest", "greatest(a, b, ...)", "The greatest that is not NULL.", "SELECT greatest(1, 3, 2) AS most"),
    value("least", "least(a, b, ...)", "The least that is not NULL.", "SELECT least(1, 3, 2) AS least"),
    value(
        "IS DISTINCT FROM",
        "a IS [NOT] DISTINCT FROM b",
        "Whether two values differ, where NULL equals NULL.",
        "SELECT count(*) AS spans FROM spans WHERE status IS DISTINCT FROM 'OK'",
    ),
    value(
        "BETWEEN",
        "x [NOT] BETWEEN a AND b",
        "Whether a value lies from a to b, both included.",
        "SELECT count(*) AS spans FROM spans WHERE step BETWEEN 1 AND 3",
    ),
    value(
        "CAST",
        "CAST(x AS type), x::type",
        "A value as another type; an error when it is none.",
        "SELECT '42'::int + 1 AS number",
    ),
    value(
        "TRY_CAST",
        "TRY_CAST(x AS type)",
        "A value as another type; NULL when it is none.",
        "SELECT TRY_CAST('n/a' AS double) AS number",
    ),
    value(
        "arrow_typeof",
        "arrow_typeof(x)",
        "The type that the engine has a value in.",
        "SELECT arrow_typeof(start_time) AS type FROM traces LIMIT 1",
    ),
    value("abs", "abs(number)", "The number without its sign.", "SELECT abs(-2) AS two"),
    value("round", "round(number [, places])", "The number rounded.", "SELECT round(2.0 / 3, 2) AS share"),
    value("floor", "floor(number)", "The next whole number down.", "SELECT floor(2.7) AS two"),
    value("ceil", "ceil(number)", "The next whole number up.", "SELECT ceil(2.1) AS three"),
    value(
        "trunc",
        "trunc(number [, places])",
        "The number with its further places cut off.",
        "SELECT trunc(2.78, 1) AS number",
    ),
    value("power", "power(base, exponent)", "base to the power of exponent.", "SELECT power(2, 10) AS number"),
    value("sqrt", "sqrt(number)", "The square root.", "SELECT sqrt(16) AS four"),
    value("ln", "ln(number)", "The natural logarithm; log10 and log2 for other bases.", "SELECT ln(1) AS zero"),
    value("random", "random()", "Another number from 0 to below 1 in each row.", "SELECT random() < 1 AS is_below"),
    value("isnan", "isnan(number)", "Whether it is no number.", "SELECT isnan('NaN'::double) AS is_none"),
];
