-- population: SELECT trace_id FROM traces WHERE tool_calls > 0
WITH calls AS (
  SELECT trace_id, span_id, step, coalesce(tool_name, name) AS tool, input, output
  FROM spans WHERE span_type = 'TOOL'
),
compared AS (
  SELECT trace_id, span_id, step, output, input,
         CASE WHEN tool = lag(tool, 2) OVER w AND input = lag(input, 2) OVER w AND output = lag(output, 2) OVER w
                   AND NOT (tool = lag(tool) OVER w AND input = lag(input) OVER w) THEN 0 ELSE 1 END AS is_new
  FROM calls
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
),
numbered AS (
  SELECT *, sum(is_new) OVER (PARTITION BY trace_id ORDER BY step ROWS UNBOUNDED PRECEDING) AS run FROM compared
)
-- Four calls that each repeat the last but one, with the same result: two calls take turns at least three times.
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id,
       coalesce(nullif(first_value(left(output, 240) ORDER BY step DESC), ''), first_value(left(input, 240) ORDER BY step DESC)) AS quote
FROM numbered
GROUP BY trace_id, run
HAVING count(*) FILTER (WHERE is_new = 0) >= 4
