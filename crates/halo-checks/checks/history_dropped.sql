-- population: SELECT trace_id FROM traces WHERE llm_calls > 3
WITH turns AS (
  SELECT trace_id, span_id, step, message_count, input_tokens,
         lag(message_count) OVER w AS count_before, lag(message_count, 2) OVER w AS count_before_that, lag(input_tokens) OVER w AS tokens_before
  FROM spans WHERE span_type = 'LLM' AND message_count IS NOT NULL
  WINDOW w AS (PARTITION BY trace_id, agent_name, model, parent_span_id ORDER BY step)
),
drops AS (
  -- The conversation grew, and then half of it or more was gone from one turn to the next.
  SELECT trace_id, span_id, step
  FROM turns
  WHERE count_before >= 6 AND count_before > count_before_that AND message_count * 2 <= count_before
    AND coalesce(input_tokens < tokens_before * 0.7, true)
),
told AS (
  SELECT d.trace_id, d.span_id, d.step, left(s.output, 600) AS said
  FROM drops AS d JOIN spans AS s ON s.trace_id = d.trace_id AND s.step = d.step
),
calls AS (
  SELECT trace_id, step, coalesce(tool_name, name) AS tool, text_key(input) AS asked
  FROM spans WHERE span_type = 'TOOL' AND trace_id IN (SELECT trace_id FROM drops)
),
redone AS (
  SELECT DISTINCT d.trace_id, d.step
  FROM drops AS d
  JOIN calls AS a ON a.trace_id = d.trace_id
  JOIN calls AS b ON b.trace_id = a.trace_id AND b.tool = a.tool AND b.asked = a.asked
  WHERE a.step < d.step AND b.step > d.step
)
SELECT d.trace_id, d.span_id, left(d.said, 240) AS quote
FROM told AS d LEFT JOIN redone AS r ON r.trace_id = d.trace_id AND r.step = d.step
WHERE length(d.said) > 0
  AND (r.trace_id IS NOT NULL
       OR regexp_like(d.said, '\b(could|can|would|will) you (please )?(provide|share|tell|give|confirm|repeat|remind)|what is your|please (provide|share|confirm|give)|how can i (help|assist)|i don[''’]t (have|see) (any|your|the)', 'i'))
