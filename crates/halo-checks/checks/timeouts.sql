-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type IN ('TOOL', 'LLM') AND {subject} IN (coalesce(tool_name, model, name), name)
WITH {{broken}}
SELECT trace_id, span_id, left(said, 240) AS quote, subject
FROM broken
WHERE regexp_like(said, 'timed?[ _-]?out|deadline exceeded|etimedout|http_?.?504|gateway time', 'i')
