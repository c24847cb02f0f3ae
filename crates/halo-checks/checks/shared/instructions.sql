instructions AS (
  -- The system prompts of each run, each once, at the request that was the first to have it.
  SELECT trace_id, message_id, min(step) AS step, first_value(span_id ORDER BY step) AS span_id, first_value(left(content, 20000) ORDER BY step) AS content
  FROM messages
  WHERE direction = 'input' AND role IN ('system', 'developer') AND octet_length(content) BETWEEN 40 AND 100000
  GROUP BY trace_id, message_id
)
