-- population: SELECT trace_id FROM traces WHERE tool_calls > 1
WITH {{calls}},
done AS (
  SELECT trace_id, span_id, tool, asked_head, start_time,
         lag(end_time) OVER (PARTITION BY trace_id, tool, asked ORDER BY step) AS before_ended
  FROM calls
  WHERE NOT failed AND octet_length(asked_head) >= 8
    AND regexp_like(tool, '^(book|cancel|refund|issue|create|send|submit|charge|pay|place|order|transfer_(money|funds)|post|file|schedule|apply_|exchange|return|delete|register|open|reserve|credit|withdraw|debit|ship|dispatch|publish|email|notify|escalate|assign)(_|[A-Z]|$)|[a-z]_(refund|payment|order|booking|email|ticket|charge|transfer)$')
    AND NOT regexp_like(tool, 'get|list|search|find|check|status|look|read|fetch|view|query|preview|quote|estimate|draft|validate', 'i')
)
-- One call that nested spans record overlaps with itself. Whether model or harness asked again, it was done again.
SELECT trace_id, span_id, coalesce(nullif(asked_head, ''), tool) AS quote
FROM done
WHERE start_time >= before_ended
