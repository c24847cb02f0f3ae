-- population: SELECT trace_id FROM traces WHERE duration_ms > 0
WITH {{usual_runs}},
slow AS (
  SELECT t.trace_id FROM traces AS t JOIN usual_runs AS u ON u.root_name = t.root_name AND u.service = coalesce(t.service_names[1], '')
  WHERE t.duration_ms >= 2.5 * u.usual_ms AND t.duration_ms >= 1000
)
-- The longest span that does something itself.
SELECT trace_id, first_value(span_id ORDER BY duration_ms DESC, step) AS span_id, first_value(name ORDER BY duration_ms DESC, step) AS quote
FROM spans
WHERE span_type IN ('LLM', 'TOOL', 'RETRIEVER') AND trace_id IN (SELECT trace_id FROM slow) AND duration_ms IS NOT NULL
GROUP BY trace_id
