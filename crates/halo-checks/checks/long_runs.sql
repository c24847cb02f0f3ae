-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH {{usual_runs}},
long AS (
  SELECT t.trace_id FROM traces AS t JOIN usual_runs AS u ON u.root_name = t.root_name AND u.service = coalesce(t.service_names[1], '')
  WHERE t.llm_calls > 0 AND t.llm_calls + t.tool_calls >= 2 * u.usual_steps AND t.llm_calls + t.tool_calls >= u.usual_steps + 4
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(asked ORDER BY step DESC) AS quote
FROM (SELECT trace_id, span_id, step, coalesce(nullif(left(input, 240), ''), name) AS asked
      FROM spans WHERE span_type IN ('LLM', 'TOOL') AND trace_id IN (SELECT trace_id FROM long)) AS steps
GROUP BY trace_id
