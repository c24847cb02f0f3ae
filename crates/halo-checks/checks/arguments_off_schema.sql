-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NOT NULL
WITH {{requested}},
{{definitions}},
judged AS (
  -- Where several definitions may have been the one that the model had, a call must break all of them.
  SELECT c.trace_id, c.span_id, c.tool, c.call, bool_and(arguments_fault(c.arguments, d.definition) IS NOT NULL) AS is_wrong
  FROM requested AS c JOIN definitions AS d ON d.tool = c.tool
  WHERE c.arguments IS NOT NULL AND coalesce(d.service_name = c.service_name, true) AND coalesce(d.agent_name = c.agent_name, true)
    AND (c.service_version IS NULL OR coalesce(cardinality(d.versions), 0) = 0 OR array_has(d.versions, c.service_version))
  GROUP BY c.trace_id, c.span_id, c.tool, c.call
)
SELECT trace_id, span_id, call AS quote, tool AS subject
FROM judged
WHERE is_wrong
