-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type IN ('TOOL', 'LLM') AND {subject} IN (coalesce(tool_name, model, name), name)
WITH {{broken}}
SELECT trace_id, span_id, left(said, 240) AS quote, subject
FROM broken
WHERE regexp_like(said, '\b429\b|rate[ _-]?limit|too many requests|quota (exceeded|exhausted)|exceeded[^.\n]{0,30}quota|throttl|resource[ _]exhausted|overloaded', 'i')
