-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
SELECT s.trace_id, s.span_id, s.name AS quote
FROM spans AS s
WHERE s.span_type = 'LLM' AND coalesce(s.status, 'UNSET') <> 'ERROR'
  AND s.trace_id IN (SELECT trace_id FROM traces WHERE llm_calls > 0 AND input_tokens IS NULL AND output_tokens IS NULL)
