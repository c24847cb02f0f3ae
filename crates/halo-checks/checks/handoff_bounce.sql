-- population: SELECT DISTINCT trace_id FROM spans WHERE (span_type = 'AGENT' AND parent_span_id IS NOT NULL) OR (span_type = 'TOOL' AND regexp_like(coalesce(tool_name, name), '^(transfer|hand_?off|delegate|route)', 'i'))
WITH handoffs AS (
  SELECT trace_id, span_id, step, coalesce(tool_name, name) AS target, coalesce(nullif(left(output, 240), ''), left(input, 240), name) AS said
  FROM spans WHERE span_type = 'TOOL' AND regexp_like(coalesce(tool_name, name), '^(transfer|hand_?off|delegate|route)', 'i')
),
placed AS (
  SELECT trace_id, span_id, step, said,
         CASE WHEN target <> lag(target) OVER w AND target = lag(target, 2) OVER w THEN 1 ELSE 0 END AS goes_back
  FROM handoffs
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
),
visits AS (
  -- One agent that gets the same case again after it has ended with it.
  SELECT trace_id, span_id, step, agent_name, text_key(input) AS task, left(coalesce(nullif(output, ''), input), 240) AS said, start_time,
         lag(end_time) OVER (PARTITION BY trace_id, agent_name, text_key(input) ORDER BY step) AS before_ended
  FROM spans WHERE span_type = 'AGENT' AND parent_span_id IS NOT NULL AND agent_name IS NOT NULL AND octet_length(input) >= 8
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM placed
GROUP BY trace_id
HAVING sum(goes_back) >= 2
UNION ALL
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM visits
WHERE start_time >= before_ended
GROUP BY trace_id, agent_name, task
HAVING count(*) >= 2
