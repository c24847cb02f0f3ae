-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH last_steps AS (
  SELECT trace_id, max(step) AS step FROM spans WHERE span_type = 'LLM' GROUP BY trace_id
),
asking AS (
  SELECT s.trace_id, s.span_id, left(s.requested_tool_calls, 240) AS requested
  FROM spans AS s JOIN last_steps AS l ON l.trace_id = s.trace_id AND l.step = s.step
  WHERE s.span_type = 'LLM' AND s.requested_tool_calls IS NOT NULL
    -- One that ends a run on purpose is no sign.
    AND NOT regexp_like(s.requested_tool_calls, '"name"\s*:\s*"[^"]*(final|finish|submit|done|complete|transfer|escalate|hand_?off|end|exit|stop|terminat|answer|respond|reply|human)', 'i')
),
answered AS (
  SELECT DISTINCT trace_id FROM spans
  WHERE parent_span_id IS NULL AND span_type <> 'LLM' AND (regexp_like(left(output, 200), '\S') OR status = 'ERROR')
)
SELECT trace_id, span_id, requested AS quote
FROM asking
WHERE trace_id NOT IN (SELECT trace_id FROM answered)
  -- A trace of one call whose tools are run elsewhere is answered elsewhere.
  AND trace_id IN (SELECT trace_id FROM traces WHERE tool_calls > 0)
