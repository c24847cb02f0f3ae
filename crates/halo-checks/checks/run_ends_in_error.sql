-- population: SELECT trace_id FROM traces
SELECT trace_id, span_id, left(coalesce(status_message, error_type, name), 240) AS quote,
       coalesce(error_signature, error_type, name) AS subject
FROM spans
WHERE parent_span_id IS NULL AND status = 'ERROR'
