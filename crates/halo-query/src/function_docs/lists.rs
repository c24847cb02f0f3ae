//! Lists and structs.

use super::{Entry, Group};

const fn list(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Lists, name, signature, meaning, example)
}

pub(super) const ENTRIES: &[Entry] = &[
    list(
        "[]",
        "list[n], list[a:b], struct['field']",
        "The n-th item from 1, the items from a to b, or a field.",
        "SELECT ['a', 'b', 'c'][2] AS item, ['a', 'b', 'c'][2:3] AS items",
    ),
    list("make_array", "[a, b, ...]", "A list of these.", "SELECT ['a', 'b'] AS items"),
    list(
        "array_has",
        "array_has(list, x)",
        "Whether an item is in a list.",
        "SELECT count(*) AS traces FROM traces WHERE array_has(tool_names, 'refund')",
    ),
    list(
        "array_has_all",
        "array_has_all(list, items)",
        "Whether all of these are in a list.",
        "SELECT array_has_all(['a', 'b', 'c'], ['a', 'c']) AS found",
    ),
    list(
        "array_has_any",
        "array_has_any(list, items)",
        "Whether any of these is in a list.",
        "SELECT array_has_any(['a', 'b'], ['b', 'x']) AS found",
    ),
    list(
        "array_length",
        "array_length(list)",
        "How many items a list has; NULL when it has none: see cardinality.",
        "SELECT trace_id, array_length(tool_names) AS tools FROM traces ORDER BY 1",
    ),
    list(
        "cardinality",
        "cardinality(list)",
        "How many items a list has, 0 for none.",
        "SELECT cardinality(['a', 'b']) AS items",
    ),
    list("empty", "empty(list)", "Whether a list has no items.", "SELECT empty(['a']) AS is_empty"),
    list(
        "array_to_string",
        "array_to_string(list, separator [, null])",
        "The items as one text.",
        "SELECT trace_id, array_to_string(service_names, ', ') AS services FROM traces ORDER BY 1",
    ),
    list(
        "array_position",
        "array_position(list, x)",
        "Where an item first stands, from 1; NULL when nowhere.",
        "SELECT array_position(['a', 'b'], 'b') AS at",
    ),
    list("array_sort", "array_sort(list [, order])", "The items in order.", "SELECT array_sort(['b', 'a']) AS items"),
    list(
        "array_reverse",
        "array_reverse(list)",
        "The items from last to first.",
        "SELECT array_reverse([1, 2]) AS items",
    ),
    list(
        "array_distinct",
        "array_distinct(list)",
        "Each item once.",
        "SELECT array_sort(array_distinct(['a', 'b', 'a'])) AS items",
    ),
    list(
        "array_concat",
        "array_concat(a, b, ...)",
        "The items of all lists.",
        "SELECT array_concat([1], [2, 3]) AS items",
    ),
    list(
        "array_append",
        "array_append(list, x)",
        "The list with one more item.",
        "SELECT array_append([1], 2) AS items",
    ),
    list(
        "array_remove_all",
        "array_remove_all(list, x)",
        "The list without these items.",
        "SELECT array_remove_all([1, 2, 1], 1) AS items",
    ),
    list(
        "array_slice",
        "array_slice(list, from, to)",
        "The items from one place to another, from 1; below 0 from the end.",
        "SELECT array_slice([1, 2, 3], -2, -1) AS items",
    ),
    list(
        "array_union",
        "array_union(a, b)",
        "What is in either list, once.",
        "SELECT array_sort(array_union([1, 2], [2, 3])) AS items",
    ),
    list(
        "array_intersect",
        "array_intersect(a, b)",
        "What is in both lists, once.",
        "SELECT array_intersect([1, 2], [2, 3]) AS items",
    ),
    list(
        "array_except",
        "array_except(a, b)",
        "What is in the first list and not in the second.",
        "SELECT array_except([1, 2], [2, 3]) AS items",
    ),
    list("array_max", "array_max(list)", "The greatest item.", "SELECT array_max([1, 3, 2]) AS most"),
    list("array_min", "array_min(list)", "The least item.", "SELECT array_min([3, 1, 2]) AS least"),
    list("flatten", "flatten(lists)", "The items of the lists in a list.", "SELECT flatten([[1], [2, 3]]) AS items"),
    list(
        "named_struct",
        "named_struct(name, value, ...)",
        "A value with named fields.",
        "SELECT named_struct('id', 7, 'ok', true) AS answer",
    ),
    list("struct", "struct(a, b, ...)", "A value with the fields c0, c1 and so on.", "SELECT struct(1, 'x') AS pair"),
    list(
        "get_field",
        "get_field(struct, name)",
        "A field, as struct['name'].",
        "SELECT get_field(named_struct('id', 7), 'id') AS id",
    ),
];
