-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NOT NULL
WITH definitions AS (
  SELECT service_name, agent_name, versions, definition, coalesce(json_get_str(definition, 'function', 'name'), json_get_str(definition, 'name')) AS tool
  FROM (SELECT service_name, agent_name, versions, unnest(json_get_array(text)) AS definition FROM prompts WHERE kind = 'tools' AND strpos(text, 'properties') > 0) AS offered
),
calls AS (
  SELECT trace_id, span_id, service_name, agent_name, service_version, call, json_get_str(call, 'name') AS tool,
         coalesce(json_get_str(call, 'arguments'), json_get_json(call, 'arguments')) AS arguments
  FROM (SELECT trace_id, span_id, service_name, agent_name, service_version, unnest(json_get_array(requested_tool_calls)) AS call
        FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NOT NULL) AS requested
),
judged AS (
  -- Where several definitions may have been the one that the model had, a call must break all of them.
  SELECT c.trace_id, c.span_id, c.tool, left(c.call, 300) AS call, bool_and(arguments_fault(c.arguments, d.definition) IS NOT NULL) AS is_wrong
  FROM calls AS c JOIN definitions AS d ON d.tool = c.tool
  WHERE c.arguments IS NOT NULL AND coalesce(d.service_name = c.service_name, true) AND coalesce(d.agent_name = c.agent_name, true)
    AND (c.service_version IS NULL OR coalesce(cardinality(d.versions), 0) = 0 OR array_has(d.versions, c.service_version))
  GROUP BY c.trace_id, c.span_id, c.tool, left(c.call, 300)
)
SELECT trace_id, span_id, call AS quote, tool AS subject
FROM judged
WHERE is_wrong
