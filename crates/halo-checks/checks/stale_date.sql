-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH {{instructions}},
told AS (
  SELECT trace_id, span_id, content,
         regexp_match(content, '(?:today(?:[''’]s date)?|current (?:date|day|time)|the date|now)\s*(?:is|:|=)\s*(?:\w+day,?\s*)?(\d{4}-\d{2}-\d{2})', 'i')[1] AS day
  FROM instructions
),
dated AS (
  SELECT t.trace_id, t.span_id, t.content, t.day, r.root_name,
         abs(date_part('epoch', CAST(r.start_time AS TIMESTAMP)) - date_part('epoch', try_cast(t.day AS TIMESTAMP))) > 2 * 86400 AS is_off
  FROM told AS t JOIN traces AS r ON r.trace_id = t.trace_id
  WHERE t.day IS NOT NULL
),
judged AS (
  -- Where no run of a kind has the right date, the runs are replayed or simulated.
  SELECT *, bool_or(NOT is_off) OVER (PARTITION BY root_name) AS is_live FROM dated
)
SELECT trace_id, span_id, substr(content, greatest(strpos(content, day) - 60, 1), 160) AS quote
FROM judged
WHERE is_off AND is_live
