-- population: SELECT trace_id FROM traces WHERE llm_calls > 0 OR tool_calls > 0
WITH {{broken}}
SELECT trace_id, span_id, left(said, 240) AS quote
FROM broken
WHERE first_worked_step < step
  AND regexp_like(said, '\b(status|code|http)\D{0,8}401\b|^\W{0,4}(\w+\W{1,4}){0,2}401\W+(unauthori[sz]ed|unauthenticated|auth|token|invalid|expired)|unauthori[sz]ed|unauthenticated|(token|session|credential|api key|access|login|auth\w*)s?\b[^.\n]{0,30}\b(expired|revoked|no longer valid|has lapsed|invalid)|expired[^.\n]{0,30}\b(token|session|credential|key|login)|invalid[_ ](token|credential|grant)|authentication (failed|required|error)|(re-?authenticate|log ?in again|sign in again)', 'i')
