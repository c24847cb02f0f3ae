-- population: SELECT trace_id FROM traces WHERE llm_calls > 0 OR tool_calls > 0
WITH marked AS (
  -- In JSON an escape is an escape; written twice it reaches the tool as it stands.
  SELECT trace_id, span_id, said, regexp_match(said, '(\x{FFFD}|Ã[\x{80}-\x{BF}]|Ã[¤¶¼Ÿ©¨ª«¡³±§]|â€[™œ\x{9D}“”¦]|\b[A-Z][a-z]*\?{2,}[a-z]+|&#x?[0-9a-f]{2,5};|\\\\u00[c-f][0-9a-f])')[1] AS mark
  FROM (SELECT trace_id, span_id, left(input, 4000) AS said FROM spans WHERE span_type = 'TOOL') AS asked
  -- JSON in JSON has its escapes written twice.
  WHERE strpos(said, '\"') = 0
  UNION ALL
  SELECT trace_id, span_id, said, regexp_match(said, '(\x{FFFD}|Ã[\x{80}-\x{BF}]|Ã[¤¶¼Ÿ©¨ª«¡³±§]|â€[™œ\x{9D}“”¦]|\b[A-Z][a-z]*\?{2,}[a-z]+|&#x?[0-9a-f]{2,5};|\\u00[c-f][0-9a-f])')[1] AS mark
  FROM (SELECT trace_id, span_id, left(output, 4000) AS said FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NULL) AS replies
  WHERE NOT regexp_like(left(said, 20), '^\s*[\[{]')
)
SELECT trace_id, span_id, substr(said, greatest(strpos(said, mark) - 80, 1), 200) AS quote
FROM marked
WHERE mark IS NOT NULL
