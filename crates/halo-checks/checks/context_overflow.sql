-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH {{broken}}
SELECT trace_id, span_id, left(said, 240) AS quote
FROM broken
WHERE regexp_like(said, 'context[ _]?(length|window|size)[^.\n]{0,40}(exceed|limit|too|overflow|full)|(exceed|over|beyond|larger than|longer than)[^.\n]{0,40}context|maximum context|context_length_exceeded|(prompt|input|request) is too (long|large)|too many (input )?tokens|(input|prompt|request)[^.\n]{0,30}exceed[^.\n]{0,30}tokens?', 'i')
