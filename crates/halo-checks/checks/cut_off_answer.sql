-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'LLM' AND finish_reason IS NOT NULL
WITH replies AS (
  SELECT trace_id, span_id, finish_reason, right(output, 200) AS tail, requested_tool_calls,
         row_number() OVER (PARTITION BY trace_id ORDER BY step DESC) AS from_end
  FROM spans WHERE span_type = 'LLM'
)
-- The last reply of the run: what the user or the caller got is not all that the model had to say.
SELECT trace_id, span_id, coalesce(nullif(tail, ''), finish_reason) AS quote
FROM replies
WHERE from_end = 1
  -- A model that may say one word was meant to.
  AND octet_length(tail) >= 30
  AND regexp_like(finish_reason, '^\W*(length|max_?(output_?)?tokens|model_length|token_limit|incomplete)\W*$', 'i')
