-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH last_calls AS (
  -- The last request of a run, and of each of its agents, holds what was sent before.
  SELECT trace_id, max(step) AS step FROM spans WHERE span_type = 'LLM' GROUP BY trace_id, agent_name
),
long_messages AS (
  SELECT m.trace_id, m.span_id, m.step, m.position, text_key(left(m.content, 1000)) AS head, text_key(right(m.content, 1000)) AS tail, left(m.content, 240) AS said
  FROM messages AS m JOIN last_calls AS l ON l.trace_id = m.trace_id AND l.step = m.step
  WHERE m.direction = 'input' AND octet_length(m.content) >= 1200
),
ends AS (
  -- What stands before or after it may differ from one time to the next.
  SELECT trace_id, span_id, step, position, said, unnest(CASE WHEN head = tail THEN make_array(head) ELSE make_array(head, tail) END) AS text
  FROM long_messages
),
repeated AS (
  -- Twice or more in one and the same request.
  SELECT trace_id, span_id, step, text, first_value(said ORDER BY position) AS said, count(*) AS copies
  FROM ends
  GROUP BY trace_id, span_id, step, text
  HAVING count(*) >= 2
)
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(said ORDER BY step DESC) AS quote
FROM repeated
GROUP BY trace_id
