-- population: SELECT trace_id FROM traces WHERE length(final_output) > 0
WITH {{usual_runs}},
odd AS (
  SELECT t.trace_id, t.final_output
  FROM traces AS t JOIN usual_runs AS u ON u.root_name = t.root_name AND u.service = coalesce(t.service_names[1], '')
  WHERE octet_length(t.final_output) > 0
    AND (octet_length(t.final_output) * 4 <= u.usual_bytes OR octet_length(t.final_output) >= 4 * u.usual_bytes)
)
SELECT o.trace_id, s.span_id, left(s.output, 240) AS quote
FROM odd AS o JOIN spans AS s ON s.trace_id = o.trace_id AND s.output = o.final_output
WHERE s.span_type <> 'TOOL'
