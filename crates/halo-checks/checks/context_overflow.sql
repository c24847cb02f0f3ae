-- population: SELECT trace_id FROM traces WHERE llm_calls > 0 OR tool_calls > 0
WITH {{broken}}
SELECT trace_id, span_id, left(said, 240) AS quote
FROM broken
WHERE regexp_like(said, 'context[ _]?(length|window|size)[^.\n]{0,40}(exceed|limit|too|overflow|full)|(exceed|over|beyond|larger than|longer than)[^.\n]{0,40}context|maximum context|context_length_exceeded|(prompt|input|request) is too (long|large)|too many (input )?tokens|(input|prompt|request)[^.\n]{0,30}exceed[^.\n]{0,30}tokens?|tokens\b[^.\n]{0,60}(exceed|at most|context|allowed|maximum)|(conversation|message|history|document)s? (is|are|was|were) too (long|large|big)|too (long|large|big) for (this|the) model|(reduce|shorten) (the length|your|the (prompt|conversation|messages|input))|(max(imum)?|limit of) \d{3,} tokens|payload too large|content too large|\b413\b|n_ctx|tokens? ?> ?\d|\d+ tokens (requested|were sent|in (the|your)|but|of)|(maximum|max) (number of|input) tokens|too long[^.\n]{0,40}(prompt|input|context|tokens)', 'i')
  AND NOT regexp_like(said, 'per.?min|\btpm\b|rate.?limit|quota|per second|per day|too many requests|wait before|try again|retry', 'i')
