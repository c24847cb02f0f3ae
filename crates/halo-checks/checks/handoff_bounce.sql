-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'TOOL' AND regexp_like(coalesce(tool_name, name), '^(transfer|hand_?off|delegate|route)', 'i')
WITH handoffs AS (
  SELECT trace_id, span_id, step, coalesce(tool_name, name) AS target, coalesce(nullif(left(output, 240), ''), left(input, 240), name) AS said
  FROM spans WHERE span_type = 'TOOL' AND regexp_like(coalesce(tool_name, name), '^(transfer|hand_?off|delegate|route)', 'i')
),
placed AS (
  SELECT trace_id, span_id, step, said,
         CASE WHEN target <> lag(target) OVER w AND target = lag(target, 2) OVER w THEN 1 ELSE 0 END AS goes_back
  FROM handoffs
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM placed
GROUP BY trace_id
HAVING sum(goes_back) >= 2
