-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type IN ('TOOL', 'LLM') AND {subject} IN (coalesce(tool_name, model, name), name)
WITH {{usual_calls}}
SELECT t.trace_id, t.span_id, t.name AS quote, u.target AS subject
FROM spans AS t JOIN usual_calls AS u ON u.span_type = t.span_type AND u.target = coalesce(t.tool_name, t.model, t.name)
WHERE t.span_type IN ('TOOL', 'LLM') AND t.duration_ms >= 3 * u.usual_ms AND t.duration_ms >= 1000
