-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'TOOL' AND coalesce(tool_name, name) = {subject}
WITH {{calls}},
large AS (
  SELECT trace_id, span_id, step, tool, left(said, 200) AS head FROM calls WHERE got_bytes >= 24000
),
turns AS (
  SELECT trace_id, step, input_tokens FROM spans WHERE span_type = 'LLM' AND trace_id IN (SELECT trace_id FROM large)
),
carried AS (
  -- Model calls after the result that are large enough to have it in their prompt: at least 6,000 tokens.
  SELECT l.trace_id, l.span_id
  FROM large AS l JOIN turns AS t ON t.trace_id = l.trace_id
  WHERE t.step > l.step AND coalesce(t.input_tokens >= 6000, false)
  GROUP BY l.trace_id, l.span_id
  HAVING count(*) >= 2
)
SELECT l.trace_id, l.span_id, l.head AS quote, l.tool AS subject
FROM large AS l JOIN carried AS c ON c.trace_id = l.trace_id AND c.span_id = l.span_id
