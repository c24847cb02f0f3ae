-- population: SELECT trace_id FROM traces WHERE llm_calls > 1
WITH {{answers}},
refused AS (
  SELECT trace_id, span_id, step, left(said, 300) AS said FROM answers WHERE regexp_like(left(said, 500), {{refuses}}, 'i')
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM refused
GROUP BY trace_id
HAVING count(*) >= 3
