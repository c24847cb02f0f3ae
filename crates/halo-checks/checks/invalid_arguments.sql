-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'TOOL' AND coalesce(tool_name, name) = {subject}
WITH {{calls}}
SELECT trace_id, span_id, left(said, 240) AS quote, tool AS subject
FROM calls
WHERE failed
  -- What goes wrong inside code that the model wrote is not the tool's own check of its arguments.
  AND NOT regexp_like(tool, 'python|bash|shell|exec|code|terminal|notebook|sql', 'i')
  AND regexp_like(said, '\b(missing|required|unexpected|unknown|invalid|unrecogni[sz]ed|extra|unsupported|malformed|bad)\b[^.\n]{0,40}\b(arguments?|parameters?|params?|fields?|propert(y|ies)|keywords?)\b|\b(argument|parameter|field|property)\b[^.\n]{0,50}\b(missing|required|invalid|unexpected|unknown|must be|expected|not allowed)|validation[ _]?error|field required|is not of type|not valid under|\b(expected|must be)( an?| of type)? (string|integer|int|number|float|boolean|bool|array|list|object|dict|iso|uuid)\b|additional properties|takes \d+ positional|schema violation|does not match (the )?schema|jsondecodeerror|invalid json|could not parse (the )?arg|expecting (value|property name)|unterminated string|unprocessable entity|http_?.?422', 'i')
  AND NOT regexp_like(said, '\b(unknown|no such) (tool|function)\b', 'i')
