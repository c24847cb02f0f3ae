-- population: SELECT trace_id FROM traces
SELECT trace_id, span_id, left(status_message, 240) AS quote
FROM spans
WHERE status = 'ERROR' AND span_type NOT IN ('TOOL', 'RETRIEVER')
  AND regexp_like(status_message, '(could not|couldn[''’]t|cannot|failed to|unable to|error) (de)?(pars|serializ|decod)|output ?pars(er|ing)|(not|in)( |-)?valid json|jsondecodeerror|(does not|doesn[''’]t|did not) (match|conform|fit|satisfy)[^.\n]{0,30}schema|schema validation|validation error for', 'i')
UNION ALL
-- The harness sends the reply back to the model and asks for another.
SELECT trace_id, span_id, left(input, 240) AS quote
FROM spans
WHERE span_type = 'LLM' AND octet_length(input) < 4000
  AND regexp_like(input, 'your (last |previous )?(response|reply|answer|output|message)\b[^.\n]{0,40}(not (a )?valid|invalid|could not be parsed|couldn[''’]t be parsed|failed (to parse|validation)|(did not|does not|doesn[''’]t) (match|follow|conform))', 'i')
UNION ALL
-- A step of the harness gives the error of the parser where a text belongs.
SELECT trace_id, span_id, left(output, 240) AS quote
FROM spans
WHERE span_type IN ('CHAIN', 'AGENT', 'SPAN') AND octet_length(output) < 800
  AND regexp_like(output, 'json\W{0,3}decode|jsonparse|json_?parse|parse_?error|invalid json|unexpected (token|end of (json|input))|expecting (value|property name|'',''|'':'')|unterminated string|(could not|couldn[''’]t|cannot|failed to|unable to) (parse|decode|deserializ)\w*[^.\n]{0,40}(json|output|response|reply|model|schema)|output ?parser|validation error for|pydantic', 'i')
UNION ALL
-- The last reply is meant to be JSON and is none, and the user got something else.
SELECT r.trace_id, r.span_id, left(r.said, 240) AS quote
FROM (SELECT trace_id, span_id, step, trim(output) AS said, row_number() OVER (PARTITION BY trace_id ORDER BY step DESC) AS from_end
      FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NULL AND octet_length(output) BETWEEN 2 AND 20000) AS r
JOIN traces AS t ON t.trace_id = r.trace_id
WHERE r.from_end = 1 AND regexp_like(left(r.said, 100), '^(```(json)?\s*)?(\{\s*["''\w}]|\[\s*[\[{"])|^(here is|here[''’]s|sure|json)[^{]{0,60}\{', 'i')
  AND json_length(regexp_replace(r.said, '^```(json)?\s*|\s*```$', '', 'g')) IS NULL
  AND t.final_output IS NOT NULL AND strpos(t.final_output, substr(r.said, 20, 30)) = 0
