history_drops AS (
  -- The conversation grew, and then a third of it or more was gone from one turn to the next.
  SELECT trace_id, span_id, step
  FROM (SELECT trace_id, span_id, step, message_count, input_tokens,
               lag(message_count) OVER w AS count_before, lag(message_count, 2) OVER w AS count_before_that, lag(input_tokens) OVER w AS tokens_before
        FROM spans WHERE span_type = 'LLM' AND message_count IS NOT NULL
        WINDOW w AS (PARTITION BY trace_id, agent_name, model, parent_span_id ORDER BY step)) AS turns
  WHERE count_before >= 5 AND count_before > count_before_that AND message_count * 3 <= count_before * 2
    AND coalesce(input_tokens < tokens_before * 0.9, true)
)
