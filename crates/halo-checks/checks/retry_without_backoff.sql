-- population: SELECT trace_id FROM traces WHERE llm_calls > 0 OR tool_calls > 0
WITH {{calls}},
attempts AS (
  SELECT trace_id, span_id, step, 'TOOL' AS span_type, tool AS target, asked, failed, left(said, 240) AS said,
         CAST(start_time AS BIGINT) / 1e9 AS started, CAST(end_time AS BIGINT) / 1e9 AS ended
  FROM calls WHERE trace_id IN (SELECT trace_id FROM calls WHERE failed GROUP BY trace_id HAVING count(*) >= 3)
  UNION ALL
  -- What runs without failed calls were asked need not be read.
  SELECT trace_id, span_id, step, 'LLM', name, text_key(left(input, 400)), coalesce(status = 'ERROR', false),
         CASE WHEN status = 'ERROR' THEN left(coalesce(status_message, output), 240) END,
         CAST(start_time AS BIGINT) / 1e9, CAST(end_time AS BIGINT) / 1e9
  FROM spans WHERE span_type = 'LLM' AND trace_id IN (SELECT trace_id FROM spans WHERE span_type = 'LLM' AND status = 'ERROR' GROUP BY trace_id HAVING count(*) >= 3)
),
compared AS (
  SELECT trace_id, span_id, step, span_type, target, asked, failed, said,
         CASE WHEN failed AND lag(failed) OVER w AND started - lag(ended) OVER w BETWEEN -0.001 AND 1 THEN 0 ELSE 1 END AS is_new
  FROM attempts
  WINDOW w AS (PARTITION BY trace_id, span_type, target, asked ORDER BY step)
),
numbered AS (
  SELECT *, sum(is_new) OVER (PARTITION BY trace_id, span_type, target, asked ORDER BY step ROWS UNBOUNDED PRECEDING) AS run
  FROM compared
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id,
       coalesce(first_value(said ORDER BY step DESC), max(target)) AS quote,
       CASE WHEN span_type = 'LLM' THEN 'model calls' ELSE target END AS subject
FROM numbered
WHERE failed
GROUP BY trace_id, span_type, target, asked, run
HAVING count(*) >= 3
