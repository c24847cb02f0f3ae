-- population: SELECT trace_id FROM traces WHERE llm_calls > 0 OR tool_calls > 0
WITH {{calls}},
asked AS (
  SELECT trace_id, span_id, offered_tools, unnest(json_get_array(requested_tool_calls)) AS call
  FROM spans
  WHERE span_type = 'LLM' AND offered_tools IS NOT NULL AND requested_tool_calls IS NOT NULL
),
named AS (
  SELECT trace_id, span_id, offered_tools, call, json_get_str(call, 'name') AS tool FROM asked
)
SELECT trace_id, span_id, left(call, 240) AS quote, tool AS subject
FROM named
WHERE tool IS NOT NULL AND json_length(offered_tools) > 0 AND strpos(offered_tools, concat('"', tool, '"')) = 0
UNION ALL
-- Where the tool list is not recorded, or the harness answers in a tool's place: it says that there is no such tool.
SELECT trace_id, span_id, left(said, 240) AS quote, tool AS subject
FROM calls
WHERE (failed OR (length(said) < 240 AND strpos(said, tool) > 0)) AND regexp_like(said, '\b(unknown|unregistered|unrecogni[sz]ed|undefined|nonexistent|no such|unsupported) (tool|function|action)\b|\bno (tool|function) (named|called|with)|\b(tool|function)\b[^.\n]{0,60}\b(not found|does not exist|doesn[''’]t exist|not registered|not recogni[sz]ed|is not available|is not (a |one of )?(valid|known|offered|available)|not in (the )?(tool ?list|registry|available))', 'i')
