usual_calls AS (
  -- How long calls of a tool or model usually take, where there are enough of them to say.
  SELECT span_type, coalesce(tool_name, model, name) AS target, median(duration_ms) AS usual_ms
  FROM spans WHERE span_type IN ('TOOL', 'LLM') AND duration_ms > 0
  GROUP BY span_type, coalesce(tool_name, model, name)
  HAVING count(*) >= 20
)
