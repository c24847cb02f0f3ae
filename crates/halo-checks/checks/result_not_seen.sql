-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'TOOL'
WITH results AS (
  SELECT trace_id, span_id, step, coalesce(tool_name, name) AS tool, tool_call_id, left(output, 200) AS head, octet_length(output) AS bytes, left(output, 240) AS said
  FROM spans WHERE span_type = 'TOOL' AND tool_call_id IS NOT NULL AND octet_length(output) >= 16 AND coalesce(status, 'UNSET') <> 'ERROR'
),
told AS (
  -- What the model was told under the id of a call.
  SELECT trace_id, tool_call_id, first_value(left(content, 200)) AS head, coalesce(max(octet_length(content)), 0) AS bytes
  FROM messages
  WHERE direction = 'input' AND role = 'tool' AND tool_call_id IS NOT NULL AND trace_id IN (SELECT trace_id FROM results)
  GROUP BY trace_id, tool_call_id, message_id
),
compared AS (
  -- Some models use an id twice: then one of the messages is the one of this call.
  SELECT r.trace_id, r.span_id, r.tool, r.said, bool_or(t.bytes = r.bytes AND t.head = r.head) AS is_whole,
         bool_and(t.bytes <= 2 OR (t.bytes * 10 <= r.bytes * 9 AND left(t.head, least(length(t.head) - 12, 120)) = left(r.head, least(length(t.head) - 12, 120)) AND t.bytes >= 40)) AS is_cut
  FROM results AS r JOIN told AS t ON t.trace_id = r.trace_id AND t.tool_call_id = r.tool_call_id
  GROUP BY r.trace_id, r.span_id, r.tool, r.said
),
judged AS (
  -- Only where results are handed on as they are, as a rule: else the two are just recorded in other forms.
  SELECT trace_id, span_id, tool, said, is_cut, avg(CASE WHEN is_whole THEN 1.0 ELSE 0.0 END) OVER (PARTITION BY tool) AS whole_share
  FROM compared
)
SELECT trace_id, span_id, said AS quote, tool AS subject
FROM judged
WHERE is_cut AND whole_share >= 0.3
