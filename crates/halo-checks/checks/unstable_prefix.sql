-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH {{instructions}},
masked AS (
  SELECT trace_id, span_id, step, content, text_key(regexp_replace(left(content, 4000), '[0-9a-fA-F]{6,}|\d+', '#', 'g')) AS form
  FROM instructions
  WHERE trace_id IN (SELECT trace_id FROM instructions GROUP BY trace_id HAVING count(*) >= 2)
)
-- Several prompts in one run that are the same but for times, numbers and ids.
SELECT trace_id, first_value(span_id ORDER BY step DESC) AS span_id, first_value(left(content, 240) ORDER BY step DESC) AS quote
FROM masked
GROUP BY trace_id, form
HAVING count(*) >= 2
