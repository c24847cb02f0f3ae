-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
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
