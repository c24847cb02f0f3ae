-- population: SELECT trace_id FROM spans WHERE span_type = 'LLM' AND input_tokens >= 256 AND cached_input_tokens IS NOT NULL GROUP BY trace_id HAVING count(*) >= 3
WITH calls AS (
  SELECT trace_id, span_id, step, name, model, cached_input_tokens
  FROM spans WHERE span_type = 'LLM' AND input_tokens >= 256 AND cached_input_tokens IS NOT NULL AND model IS NOT NULL
),
cached_models AS (
  -- Only models that do serve prompts from a cache somewhere in the data: others may have none.
  SELECT model FROM calls GROUP BY model HAVING sum(cached_input_tokens) > 0
),
per_trace AS (
  SELECT trace_id, model, first_value(span_id ORDER BY step DESC) AS span_id, first_value(name ORDER BY step DESC) AS name
  FROM calls GROUP BY trace_id, model
  HAVING count(*) >= 3 AND sum(cached_input_tokens) = 0
)
SELECT p.trace_id, p.span_id, p.name AS quote, p.model AS subject
FROM per_trace AS p JOIN cached_models AS m ON m.model = p.model
