-- population: SELECT trace_id FROM traces WHERE llm_calls > 0 OR tool_calls > 0
WITH attempts AS (
  SELECT trace_id, span_id, step, span_type, coalesce(tool_name, name) AS target, left(input, 400) AS arguments,
         coalesce(status = 'ERROR', false) 
           OR (span_type = 'TOOL' AND (result_failure(output) IS NOT NULL
                                       OR coalesce(octet_length(output) < 400 AND regexp_like(output, {{says_no}}, 'i'), false))) AS failed,
         left(CASE WHEN status = 'ERROR' AND status_message IS NOT NULL THEN status_message ELSE output END, 240) AS said,
         CAST(start_time AS BIGINT) / 1e9 AS started, CAST(end_time AS BIGINT) / 1e9 AS ended
  FROM spans WHERE span_type IN ('TOOL', 'LLM')
),
compared AS (
  SELECT trace_id, span_id, step, span_type, target, arguments, failed, said,
         CASE WHEN failed AND lag(failed) OVER w AND started - lag(ended) OVER w BETWEEN -0.001 AND 1 THEN 0 ELSE 1 END AS is_new
  FROM attempts
  WINDOW w AS (PARTITION BY trace_id, span_type, target, arguments ORDER BY step)
),
numbered AS (
  SELECT *, sum(is_new) OVER (PARTITION BY trace_id, span_type, target, arguments ORDER BY step ROWS UNBOUNDED PRECEDING) AS run
  FROM compared
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id,
       coalesce(first_value(said ORDER BY step DESC), max(target)) AS quote
FROM numbered
WHERE failed
GROUP BY trace_id, span_type, target, arguments, run
HAVING count(*) >= 3
