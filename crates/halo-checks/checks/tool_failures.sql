-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'TOOL' AND coalesce(tool_name, name) = {subject}
WITH {{broken}}
SELECT b.trace_id, b.span_id, left(b.said, 240) AS quote, b.subject
FROM broken AS b JOIN calls AS c ON c.trace_id = b.trace_id AND c.span_id = b.span_id
WHERE length(b.said) > 0
