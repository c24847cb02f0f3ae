-- population: SELECT trace_id FROM traces WHERE final_output IS NOT NULL
WITH admitted AS (
  SELECT trace_id, final_output FROM traces
  WHERE regexp_like(left(final_output, 1500), '\b(i|we)([''’]m| am| are|[''’]re)? (currently |still )?(unable|not able|cannot|can[''’]t|could not|couldn[''’]t|was not able|wasn[''’]t able)\b|unable to (complete|process|help|retrieve|access|assist|find|proceed)|technical (issue|difficult|problem)|something went wrong', 'i')
)
SELECT a.trace_id, s.span_id, left(s.output, 300) AS quote
FROM admitted AS a JOIN spans AS s ON s.trace_id = a.trace_id AND s.output = a.final_output
WHERE s.span_type <> 'TOOL'
