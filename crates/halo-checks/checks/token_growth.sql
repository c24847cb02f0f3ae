-- population: SELECT trace_id FROM traces WHERE llm_calls > 0 AND input_tokens > 0
WITH {{usual_runs}},
grown AS (
  SELECT t.trace_id FROM traces AS t JOIN usual_runs AS u ON u.root_name = t.root_name AND u.service = coalesce(t.service_names[1], '')
  WHERE t.llm_calls > 0 AND t.input_tokens >= 1.5 * u.usual_tokens * t.llm_calls
)
SELECT trace_id, first_value(span_id ORDER BY input_tokens DESC, step) AS span_id,
       first_value(asked ORDER BY input_tokens DESC, step) AS quote
FROM (SELECT trace_id, span_id, step, input_tokens, coalesce(nullif(left(input, 240), ''), name) AS asked
      FROM spans WHERE span_type = 'LLM' AND trace_id IN (SELECT trace_id FROM grown)) AS calls
WHERE input_tokens IS NOT NULL
GROUP BY trace_id
