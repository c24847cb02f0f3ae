-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type IN ('TOOL', 'LLM') AND {subject} IN (coalesce(tool_name, model, name), name)
WITH timed AS (
  SELECT trace_id, span_id, name, span_type, coalesce(tool_name, model, name) AS target, duration_ms
  FROM spans WHERE span_type IN ('TOOL', 'LLM') AND duration_ms > 0
),
usual AS (
  SELECT span_type, target, median(duration_ms) AS median_ms FROM timed GROUP BY span_type, target HAVING count(*) >= 20
)
SELECT t.trace_id, t.span_id, t.name AS quote, t.target AS subject
FROM timed AS t JOIN usual AS u ON u.span_type = t.span_type AND u.target = t.target
WHERE t.duration_ms >= 5 * u.median_ms AND t.duration_ms >= 2000
