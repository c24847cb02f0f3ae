-- population: SELECT trace_id FROM traces
WITH {{answers}},
compared AS (
  SELECT trace_id, span_id, said, start_time, lag(said) OVER w AS said_before, lag(end_time) OVER w AS before_ended
  FROM answers
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
)
-- One reply recorded by two nested spans overlaps in time and is told once.
SELECT trace_id, span_id, left(said, 240) AS quote
FROM compared
WHERE said = said_before AND length(said) >= 100 AND start_time >= before_ended
UNION ALL
-- What the user gets is one text twice, with at most two characters between.
SELECT trace_id, span_id, left(said, 240) AS quote
FROM (SELECT trace_id, span_id, output AS said FROM spans
      WHERE span_type <> 'TOOL' AND octet_length(output) BETWEEN 60 AND 20000 AND requested_tool_calls IS NULL) AS replies
WHERE left(said, length(said) / 2) = right(said, length(said) / 2)
   OR left(said, (length(said) - 1) / 2) = right(said, (length(said) - 1) / 2)
   OR left(said, (length(said) - 2) / 2) = right(said, (length(said) - 2) / 2)
