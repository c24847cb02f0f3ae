-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type IN ('TOOL', 'LLM') AND {subject} IN (coalesce(tool_name, model, name), name)
WITH {{broken}}
SELECT trace_id, span_id, left(said, 240) AS quote, subject
FROM broken
WHERE regexp_like(said, {{timed_out}}, 'i')
  -- A session that has timed out is one that has expired.
  AND NOT regexp_like(said, '\b(session|login|token|credential)s?\b', 'i')
