-- population: SELECT trace_id FROM traces WHERE root_name IS NOT NULL
WITH usual AS (
  -- Kinds of run that call a model, nearly always.
  SELECT root_name, coalesce(service_names[1], '') AS service FROM traces
  GROUP BY root_name, coalesce(service_names[1], '')
  HAVING count(*) >= 20 AND avg(CASE WHEN llm_calls > 0 THEN 1.0 ELSE 0.0 END) >= 0.8
)
SELECT t.trace_id, s.span_id, left(coalesce(nullif(s.output, ''), nullif(s.status_message, ''), s.name), 240) AS quote
FROM traces AS t
JOIN usual AS u ON u.root_name = t.root_name AND u.service = coalesce(t.service_names[1], '')
JOIN spans AS s ON s.trace_id = t.trace_id AND s.parent_span_id IS NULL
WHERE t.llm_calls = 0
