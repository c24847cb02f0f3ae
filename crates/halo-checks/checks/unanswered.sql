-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH {{unfinished}}
SELECT trace_id, span_id, requested AS quote
FROM unfinished
WHERE NOT is_answered
  -- A trace of one call whose tools are run elsewhere is answered elsewhere.
  AND tool_calls > 0
