//! Functions over texts, and regular expressions.

use super::{Entry, Group};

const fn text(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Texts, name, signature, meaning, example)
}

const fn pattern(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Patterns, name, signature, meaning, example)
}

pub(super) const ENTRIES: &[Entry] = &[
    text(
        "||",
        "a || b",
        "Two texts, or two lists, one after the other; NULL when either is.",
        "SELECT 'a' || 'b' AS ab",
    ),
    text(
        "LIKE",
        "text [NOT] LIKE pattern",
        "Whether a whole text fits a pattern, in which % stands for anything and _ for one character.",
        "SELECT span_id FROM spans WHERE name LIKE 'support%' ORDER BY 1",
    ),
    text(
        "ILIKE",
        "text [NOT] ILIKE pattern",
        "The same as LIKE, whatever the case of the letters.",
        "SELECT count(*) AS spans FROM spans WHERE output ILIKE '%friday%'",
    ),
    text("lower", "lower(text)", "The text in small letters.", "SELECT lower('ERROR') AS word"),
    text("upper", "upper(text)", "The text in capital letters.", "SELECT upper('error') AS word"),
    text(
        "length",
        "length(text)",
        "How many characters a text has.",
        "SELECT span_id, length(output) AS characters FROM spans WHERE output IS NOT NULL ORDER BY 2 DESC, 1 LIMIT 3",
    ),
    text("octet_length", "octet_length(text)", "How many bytes a text has.", "SELECT octet_length('café') AS bytes"),
    text(
        "substr",
        "substr(text, start [, length])",
        "A part of a text, by characters from 1. Reads a long text by pieces.",
        "SELECT substr('order 4711', 7, 4) AS id",
    ),
    text(
        "left",
        "left(text, n)",
        "The first n characters; below 0 all but the last n.",
        "SELECT left('order 4711', 5) AS word",
    ),
    text(
        "right",
        "right(text, n)",
        "The last n characters; below 0 all but the first n.",
        "SELECT right('order 4711', 4) AS id",
    ),
    text(
        "strpos",
        "strpos(text, part)",
        "Where a part first stands, from 1; 0 when nowhere.",
        "SELECT strpos('order 4711', '4') AS at",
    ),
    text(
        "contains",
        "contains(text, part)",
        "Whether a part stands in a text.",
        "SELECT count(*) AS spans FROM spans WHERE contains(output, 'Friday')",
    ),
    text(
        "starts_with",
        "starts_with(text, part)",
        "Whether a text begins so.",
        "SELECT starts_with('db-17', 'db') AS is_database",
    ),
    text(
        "ends_with",
        "ends_with(text, part)",
        "Whether a text ends so.",
        "SELECT ends_with('a.json', '.json') AS is_json",
    ),
    text(
        "replace",
        "replace(text, part, other)",
        "The text with each part replaced by another.",
        "SELECT replace('a-b-c', '-', ' ') AS words",
    ),
    text(
        "translate",
        "translate(text, from, to)",
        "The text with each character of from replaced by the one at its place in to.",
        "SELECT translate('12,5', ',', '.') AS number",
    ),
    text(
        "trim",
        "trim(text [, characters])",
        "The text without spaces, or these characters, at both ends.",
        "SELECT trim('  x ') AS x",
    ),
    text(
        "split_part",
        "split_part(text, delimiter, n)",
        "The n-th piece between delimiters, from 1; below 0 from the end.",
        "SELECT split_part('a/b/c', '/', 2) AS piece",
    ),
    text(
        "string_to_array",
        "string_to_array(text, delimiter)",
        "The pieces between delimiters, as a list.",
        "SELECT unnest(string_to_array('a,b', ',')) AS piece",
    ),
    text(
        "concat",
        "concat(a, b, ...)",
        "All texts one after the other, NULL as nothing.",
        "SELECT concat('a', NULL, 'b') AS ab",
    ),
    text(
        "concat_ws",
        "concat_ws(separator, a, b, ...)",
        "All texts with a separator between, without those that are NULL.",
        "SELECT concat_ws('/', 'a', NULL, 'b') AS path",
    ),
    text("repeat", "repeat(text, n)", "The text n times.", "SELECT repeat('ab', 3) AS text"),
    text("reverse", "reverse(text)", "The text backwards.", "SELECT reverse('abc') AS text"),
    text(
        "lpad",
        "lpad(text, n [, fill])",
        "The text made n characters long from the left.",
        "SELECT lpad('7', 3, '0') AS id",
    ),
    text(
        "rpad",
        "rpad(text, n [, fill])",
        "The text made n characters long to the right.",
        "SELECT rpad('a', 3, '.') AS text",
    ),
    text(
        "initcap",
        "initcap(text)",
        "The text with each word's first letter a capital.",
        "SELECT initcap('tool call') AS title",
    ),
    text(
        "levenshtein",
        "levenshtein(a, b)",
        "How many characters must change to make a into b. Slow for long texts: see similarity.",
        "SELECT levenshtein('order', 'oder') AS steps",
    ),
    text("chr", "chr(code)", "The character of a code.", "SELECT chr(65) AS letter"),
    pattern(
        "~",
        "text ~ pattern",
        "Whether a regular expression matches somewhere in a text. ~* takes letters of any case, !~ and !~* mean the opposite. No look-around, no back-references.",
        r"SELECT span_id FROM spans WHERE output ~ 'Fri|Sat' AND output !~* 'sorry' ORDER BY 1",
    ),
    pattern(
        "~*",
        "text ~* pattern",
        "The same as ~, whatever the case of the letters.",
        "SELECT count(*) AS spans FROM spans WHERE output ~* 'FRIDAY'",
    ),
    pattern(
        "!~",
        "text !~ pattern",
        "Whether a regular expression matches nowhere in a text.",
        "SELECT count(*) AS spans FROM spans WHERE output !~ 'Friday'",
    ),
    pattern(
        "!~*",
        "text !~* pattern",
        "The same as !~, whatever the case of the letters.",
        "SELECT count(*) AS spans FROM spans WHERE output !~* 'friday'",
    ),
    pattern(
        "regexp_like",
        "regexp_like(text, pattern [, flags])",
        "What ~ is short for; flag i takes letters of any case, s lets . match line ends, x skips spaces.",
        "SELECT regexp_like('Error', 'error', 'i') AS is_error",
    ),
    pattern(
        "regexp_match",
        "regexp_match(text, pattern [, flags])",
        "What the groups of the first match hold, as a list; the match when there are no groups.",
        r"SELECT regexp_match('order 4711', 'order (\d+)')[1] AS id",
    ),
    pattern(
        "regexp_replace",
        "regexp_replace(text, pattern, other [, flags])",
        r"The text with the first match replaced, with flag g each one; \1 stands for a group.",
        r"SELECT regexp_replace('a1b2', '\d', '#', 'g') AS masked",
    ),
    pattern(
        "regexp_count",
        "regexp_count(text, pattern [, start [, flags]])",
        "How many matches there are.",
        "SELECT span_id, regexp_count(output, '(?i)sorry') AS times FROM spans WHERE output IS NOT NULL ORDER BY 2 DESC, 1 LIMIT 3",
    ),
    pattern(
        "regexp_instr",
        "regexp_instr(text, pattern [, start [, n [, flags]]])",
        "Where the n-th match begins, from 1; 0 when nowhere.",
        r"SELECT regexp_instr('order 4711', '\d') AS at",
    ),
];
