-- population: SELECT trace_id FROM traces WHERE final_output IS NOT NULL
WITH refused AS (
  SELECT trace_id, final_output FROM traces WHERE regexp_like(left(final_output, 500), {{refuses}}, 'i')
)
SELECT r.trace_id, s.span_id, left(s.output, 300) AS quote
FROM refused AS r JOIN spans AS s ON s.trace_id = r.trace_id AND s.output = r.final_output
WHERE s.span_type <> 'TOOL'
