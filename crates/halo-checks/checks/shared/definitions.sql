definitions AS (
  -- The tools that models were offered, by service, agent and version, and what arguments each of them takes.
  SELECT service_name, agent_name, versions, definition, coalesce(json_get_str(definition, 'function', 'name'), json_get_str(definition, 'name')) AS tool
  FROM (SELECT service_name, agent_name, versions, unnest(json_get_array(text)) AS definition FROM prompts WHERE kind = 'tools' AND strpos(text, 'properties') > 0) AS offered
)
