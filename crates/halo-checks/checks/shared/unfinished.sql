{{last_replies}},
unfinished AS (
  -- Runs that end while the model still asks for a tool, and whether their root has an answer, or an error, all the same.
  SELECT l.trace_id, l.span_id, l.requested, t.root_name, t.llm_calls, t.tool_calls, r.trace_id IS NOT NULL AS is_answered
  FROM last_replies AS l JOIN traces AS t ON t.trace_id = l.trace_id
  LEFT JOIN (SELECT DISTINCT trace_id FROM spans
             WHERE parent_span_id IS NULL AND span_type <> 'LLM' AND (regexp_like(left(output, 200), '\S') OR status = 'ERROR')) AS r ON r.trace_id = l.trace_id
  WHERE l.requested IS NOT NULL AND NOT l.ends_run
)
