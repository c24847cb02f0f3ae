last_replies AS (
  -- The last model call of each run: the tools that it asks for, or what it says. One that ends a run on purpose asks for nothing.
  SELECT s.trace_id, s.span_id, left(s.requested_tool_calls, 240) AS requested, left(s.output, 600) AS said,
         coalesce(regexp_like(s.requested_tool_calls, '"name"\s*:\s*"[^"]*(final|finish|submit|done|complete|transfer|escalate|hand_?off|end|exit|stop|terminat|answer|respond|reply|human)', 'i'), false) AS ends_run
  FROM spans AS s
  JOIN (SELECT trace_id, max(step) AS step FROM spans WHERE span_type = 'LLM' GROUP BY trace_id) AS l ON l.trace_id = s.trace_id AND l.step = s.step
  WHERE s.span_type = 'LLM'
)
