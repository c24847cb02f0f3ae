-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type IN ('TOOL', 'RETRIEVER') AND coalesce(tool_name, name) = {subject}
WITH results AS (
  SELECT trace_id, span_id, coalesce(tool_name, name) AS tool, octet_length(output) AS bytes, regexp_like(left(output, 40), '^\s*(\{\s*"|\[\s*[\[{"])') AS is_json, right(regexp_replace(right(output, 60), '\s+$', ''), 1) AS closes,
         right(output, 240) AS tail
  FROM spans WHERE span_type IN ('TOOL', 'RETRIEVER') AND octet_length(output) >= 200 AND coalesce(status, 'UNSET') <> 'ERROR'
)
SELECT trace_id, span_id, tail AS quote, tool AS subject
FROM results
WHERE (is_json AND closes NOT IN ('}', ']', ')', '>') AND NOT regexp_like(tail, '```\s*$'))
   OR regexp_like(right(tail, 120), '(\.{3}|…|\[|\(|<)\s*(output |result |content |response |text |rest )?(was |has been )?(truncated|cut off|clipped|omitted|shortened|elided)|truncated (at|to|after) \d|(\d+|more) (characters|chars|bytes|lines|tokens|rows) (truncated|omitted|cut|more)|\[truncated\]', 'i')
