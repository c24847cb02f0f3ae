-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'AGENT' AND parent_span_id IS NOT NULL AND agent_name = {subject} AND octet_length(output) >= 40
WITH delegated AS (
  SELECT trace_id, span_id, step, agent_name, end_time, left(trim(output), 400) AS said,
         -- Some letters from the middle: what stands around a result is often changed when it is handed on.
         substr(trim(left(output, 400)), 9, 40) AS mark
  FROM spans
  WHERE span_type = 'AGENT' AND parent_span_id IS NOT NULL AND agent_name IS NOT NULL AND octet_length(output) >= 60
    AND NOT regexp_like(left(output, 10), '^\s*[\[{]')
),
heard AS (
  -- What models were told, at the step at which they were told it first.
  SELECT trace_id, min(step) AS step, first_value(content) AS content FROM messages
  WHERE direction = 'input' AND role <> 'system' AND trace_id IN (SELECT trace_id FROM delegated)
  GROUP BY trace_id, message_id
),
judged AS (
  SELECT d.trace_id, d.span_id, d.agent_name, d.said,
         bool_or(coalesce(h.step > d.step AND strpos(h.content, d.mark) > 0, false)) AS is_used
  FROM delegated AS d LEFT JOIN heard AS h ON h.trace_id = d.trace_id
  GROUP BY d.trace_id, d.span_id, d.agent_name, d.said
),
answered AS (
  -- Only agents whose results are seen to be used, as a rule: of others it is not recorded.
  SELECT j.trace_id, j.span_id, j.agent_name, j.said, j.is_used OR coalesce(strpos(t.final_output, substr(j.said, 9, 40)) > 0, false) AS is_used
  FROM judged AS j JOIN traces AS t ON t.trace_id = j.trace_id
),
weighed AS (
  SELECT *, avg(CASE WHEN is_used THEN 1.0 ELSE 0.0 END) OVER (PARTITION BY agent_name) AS used_share FROM answered
)
SELECT trace_id, span_id, left(said, 240) AS quote, agent_name AS subject
FROM weighed
WHERE NOT is_used AND used_share >= 0.4
