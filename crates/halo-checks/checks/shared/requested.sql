requested AS (
  -- What the model asked for, call by call. Its arguments are a text that it wrote, or JSON where that was taken apart.
  SELECT trace_id, span_id, service_name, agent_name, service_version, left(call, 300) AS call, json_get_str(call, 'id') AS id, json_get_str(call, 'name') AS tool,
         coalesce(json_get_str(call, 'arguments'), json_get_json(call, 'arguments')) AS arguments
  FROM (SELECT trace_id, span_id, service_name, agent_name, service_version, unnest(json_get_array(requested_tool_calls)) AS call
        FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NOT NULL) AS replies
)
