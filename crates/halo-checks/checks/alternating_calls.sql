-- population: SELECT trace_id FROM traces WHERE tool_calls > 0
WITH {{repeating}},
compared AS (
  SELECT trace_id, span_id, step, said, asked_head,
         CASE WHEN tool = lag(tool, 2) OVER w AND asked = lag(asked, 2) OVER w AND got = lag(got, 2) OVER w
                   AND NOT (tool = lag(tool) OVER w AND asked = lag(asked) OVER w) THEN 0 ELSE 1 END AS is_new
  FROM calls
  WHERE trace_id IN (SELECT trace_id FROM repeating)
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
),
numbered AS (
  SELECT *, sum(is_new) OVER (PARTITION BY trace_id ORDER BY step ROWS UNBOUNDED PRECEDING) AS run FROM compared
),
counted AS (
  SELECT *, sum(1 - is_new) OVER (PARTITION BY trace_id, run) AS repeats FROM numbered
)
-- Four calls that each repeat the last but one, with the same result: two calls take turns at least three times.
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id,
       coalesce(nullif(first_value(left(said, 240) ORDER BY step DESC), ''), first_value(asked_head ORDER BY step DESC)) AS quote
FROM counted
WHERE repeats >= 4
GROUP BY trace_id, run
