-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'AGENT' AND parent_span_id IS NOT NULL
WITH workers AS (
  -- The agent that a call belongs to: the span above it, or the one above that.
  SELECT c.trace_id, c.span_id, c.step, coalesce(c.tool_name, c.name) AS tool, text_key(c.input) AS asked, left(c.input, 240) AS said,
         CASE WHEN p.span_type = 'AGENT' THEN p.span_id WHEN g.span_type = 'AGENT' THEN g.span_id END AS worker
  FROM spans AS c
  JOIN spans AS p ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
  LEFT JOIN spans AS g ON g.trace_id = p.trace_id AND g.span_id = p.parent_span_id
  WHERE c.span_type IN ('TOOL', 'RETRIEVER') AND octet_length(c.input) >= 12
    AND c.trace_id IN (SELECT trace_id FROM spans WHERE span_type = 'AGENT' GROUP BY trace_id HAVING count(*) >= 3)
),
shared_work AS (
  SELECT trace_id, tool, asked, max(step) AS step, count(DISTINCT worker) AS workers
  FROM workers WHERE worker IS NOT NULL
  GROUP BY trace_id, tool, asked
  HAVING count(DISTINCT worker) >= 2
),
worst AS (
  SELECT trace_id, max(step) AS step FROM shared_work GROUP BY trace_id HAVING count(*) >= 2 OR max(workers) >= 3
),
tasks AS (
  SELECT trace_id, span_id, step, agent_name, said, task, start_time, lag(end_time) OVER (PARTITION BY trace_id, agent_name, task ORDER BY start_time) AS before_ends
  FROM (SELECT trace_id, span_id, step, agent_name, left(input, 240) AS said, start_time, end_time,
               text_key(regexp_replace(lower(left(input, 2000)), '[^\p{L}]+', ' ', 'g')) AS task
        FROM spans WHERE span_type = 'AGENT' AND parent_span_id IS NOT NULL AND octet_length(input) >= 16) AS sent
)
SELECT w.trace_id, w.span_id, w.said AS quote
FROM workers AS w JOIN worst AS o ON o.trace_id = w.trace_id AND o.step = w.step
UNION ALL
-- Several agents are sent out with one task, but for its number.
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM tasks
WHERE start_time < before_ends
GROUP BY trace_id, agent_name, task
