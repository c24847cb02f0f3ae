-- population: SELECT trace_id FROM traces WHERE outcome <> 'unknown'
WITH failed AS (
  SELECT trace_id FROM traces WHERE outcome = 'failure'
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM (SELECT trace_id, span_id, step, coalesce(nullif(left(status_message, 240), ''), nullif(left(output, 240), ''), name) AS said
      FROM spans WHERE trace_id IN (SELECT trace_id FROM failed) AND span_type <> 'EVALUATOR') AS spoken
GROUP BY trace_id
