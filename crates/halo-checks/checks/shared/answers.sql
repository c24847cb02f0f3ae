answers AS (
  -- What the model said in words, as against asking for tools.
  SELECT trace_id, span_id, step, start_time, end_time, output AS said
  FROM spans
  WHERE span_type = 'LLM' AND requested_tool_calls IS NULL AND output IS NOT NULL AND coalesce(status, 'UNSET') <> 'ERROR'
)
