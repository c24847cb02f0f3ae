-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH last_steps AS (
  SELECT trace_id, max(step) AS step FROM spans WHERE span_type = 'LLM' GROUP BY trace_id
),
empty AS (
  SELECT s.trace_id, s.span_id, s.name, left(s.input, 240) AS asked
  FROM spans AS s JOIN last_steps AS l ON l.trace_id = s.trace_id AND l.step = s.step
  WHERE s.span_type = 'LLM' AND s.requested_tool_calls IS NULL AND NOT regexp_like(left(coalesce(s.output, ''), 200), '\S')
    AND coalesce(s.status, 'UNSET') <> 'ERROR'
),
answered AS (
  SELECT DISTINCT trace_id FROM spans WHERE parent_span_id IS NULL AND span_type <> 'LLM' AND regexp_like(left(output, 200), '\S')
),
recorded AS (
  -- A run whose model calls record no reply at all is not known to be empty.
  SELECT DISTINCT trace_id FROM spans
  WHERE span_type = 'LLM' AND trace_id IN (SELECT trace_id FROM empty)
    AND (regexp_like(left(output, 200), '\S') OR requested_tool_calls IS NOT NULL)
)
SELECT trace_id, span_id, coalesce(nullif(asked, ''), name) AS quote
FROM empty
WHERE trace_id IN (SELECT trace_id FROM recorded) AND trace_id NOT IN (SELECT trace_id FROM answered)
