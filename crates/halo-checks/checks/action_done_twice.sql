-- population: SELECT trace_id FROM traces WHERE tool_calls > 1
WITH {{calls}},
done AS (
  SELECT trace_id, span_id, step, tool, asked, request, asked_head, count(DISTINCT request) OVER (PARTITION BY trace_id, tool, asked) AS requests,
         row_number() OVER (PARTITION BY trace_id, tool, asked ORDER BY step DESC) AS from_end
  FROM calls
  WHERE NOT failed AND octet_length(asked_head) >= 8
    AND regexp_like(tool, '^(book|cancel|refund|issue|create|send|submit|charge|pay|place|order|transfer_(money|funds)|post|file|schedule|apply_|exchange|return|delete|register|open|reserve|credit|withdraw|debit|ship|dispatch|publish|email|notify|escalate|assign)(_|[A-Z]|$)|[a-z]_(refund|payment|order|booking|email|ticket|charge|transfer)$')
    AND NOT regexp_like(tool, 'get|list|search|find|check|status|look|read|fetch|view|query|preview|quote|estimate|draft|validate', 'i')
)
SELECT trace_id, span_id, coalesce(nullif(asked_head, ''), tool) AS quote
FROM done
-- Nested spans of one request are one call.
WHERE requests >= 2 AND from_end = 1
