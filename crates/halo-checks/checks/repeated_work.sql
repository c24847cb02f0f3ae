-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'AGENT' AND parent_span_id IS NOT NULL
WITH {{calls}},
asked AS (
  SELECT trace_id, span_id, step, tool, asked, asked_head AS said FROM calls WHERE octet_length(asked_head) >= 12
  UNION ALL
  SELECT trace_id, span_id, step, coalesce(tool_name, name), text_key(input), left(input, 240) FROM spans WHERE span_type = 'RETRIEVER' AND octet_length(input) >= 12
),
above AS (
  -- The agent that a span belongs to: the one above it, or the one above that.
  SELECT c.trace_id, c.span_id, CASE WHEN p.span_type = 'AGENT' THEN p.span_id WHEN g.span_type = 'AGENT' THEN g.span_id END AS worker
  FROM (SELECT trace_id, span_id, parent_span_id FROM spans
        WHERE span_type IN ('TOOL', 'RETRIEVER')
          AND trace_id IN (SELECT trace_id FROM spans WHERE span_type = 'AGENT' GROUP BY trace_id HAVING count(*) >= 3)) AS c
  JOIN spans AS p ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
  LEFT JOIN spans AS g ON g.trace_id = p.trace_id AND g.span_id = p.parent_span_id
),
shared_work AS (
  SELECT a.trace_id, max(a.step) AS step, first_value(a.span_id ORDER BY a.step DESC) AS span_id, first_value(a.said ORDER BY a.step DESC) AS said,
         count(DISTINCT b.worker) AS workers
  FROM asked AS a JOIN above AS b ON b.trace_id = a.trace_id AND b.span_id = a.span_id
  WHERE b.worker IS NOT NULL
  GROUP BY a.trace_id, a.tool, a.asked
  HAVING count(DISTINCT b.worker) >= 2
),
tasks AS (
  SELECT trace_id, span_id, step, agent_name, said, task, start_time, lag(end_time) OVER (PARTITION BY trace_id, agent_name, task ORDER BY start_time) AS before_ends
  FROM (SELECT trace_id, span_id, step, agent_name, left(input, 240) AS said, start_time, end_time,
               text_key(regexp_replace(lower(left(input, 2000)), '[^\p{L}]+', ' ', 'g')) AS task
        FROM spans WHERE span_type = 'AGENT' AND parent_span_id IS NOT NULL AND octet_length(input) >= 16) AS sent
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM shared_work
GROUP BY trace_id
HAVING count(*) >= 2 OR max(workers) >= 3
UNION ALL
-- Several agents are sent out with one task, but for its number.
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM tasks
WHERE start_time < before_ends
GROUP BY trace_id, agent_name, task
