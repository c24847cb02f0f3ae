usual_runs AS (
  -- What is usual for a kind of run, where there are enough of it to say: by service and name of the root.
  SELECT root_name, coalesce(service_names[1], '') AS service, median(duration_ms) AS usual_ms,
         median(CAST(input_tokens AS DOUBLE) / nullif(llm_calls, 0)) AS usual_tokens, median(llm_calls + tool_calls) AS usual_steps,
         median(CAST(nullif(octet_length(final_output), 0) AS DOUBLE)) AS usual_bytes
  FROM traces
  GROUP BY root_name, coalesce(service_names[1], '')
  HAVING count(*) >= 20
)
