-- population: SELECT trace_id FROM traces
WITH torn AS (
  SELECT trace_id, span_id, parent_span_id, name FROM spans
  WHERE trace_id IN (SELECT trace_id FROM traces WHERE missing_parents > 0)
)
SELECT c.trace_id, c.span_id, c.name AS quote
FROM torn AS c LEFT JOIN torn AS p ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
WHERE c.parent_span_id IS NOT NULL AND p.span_id IS NULL
