-- population: SELECT trace_id FROM traces WHERE final_output IS NOT NULL
WITH marked AS (
  SELECT trace_id, final_output, regexp_match(left(final_output, 4000), '((?m:^)\s*(?:Action Input|Observation|Thought):|</?(?:tool_call|function_call|tool_response|thinking|think|scratchpad|invoke|function)\b|<\|(?:im_start|im_end|eot_id|endoftext|start_header_id)\|>|Traceback \(most recent call last\)|\bto=functions\.|\bfunctions\.\w+\(|\{"name"\s*:\s*"\w+"\s*,\s*"(?:arguments|parameters)"\s*:)')[1] AS mark
  FROM traces
  -- An output that is JSON as a whole is a record for a program, not an answer.
  WHERE final_output IS NOT NULL AND NOT regexp_like(left(final_output, 20), '^\s*[\[{]')
)
SELECT m.trace_id, s.span_id, substr(s.output, greatest(strpos(s.output, m.mark) - 60, 1), 240) AS quote
FROM marked AS m JOIN spans AS s ON s.trace_id = m.trace_id AND s.output = m.final_output
WHERE m.mark IS NOT NULL AND s.requested_tool_calls IS NULL AND s.span_type <> 'TOOL'
