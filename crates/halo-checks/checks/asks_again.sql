-- population: SELECT trace_id FROM traces WHERE llm_calls > 1
WITH {{answers}},
asked AS (
  -- What is recorded twice by nested spans is one answer.
  SELECT trace_id, span_id, step, said, start_time, lag(said) OVER w AS said_before, lag(end_time) OVER w AS before_ended
  FROM (SELECT trace_id, span_id, step, start_time, end_time, left(said, 600) AS said FROM answers WHERE strpos(left(said, 600), '?') > 0) AS questions
  WINDOW w AS (PARTITION BY trace_id ORDER BY step)
)
SELECT trace_id, span_id, left(said, 300) AS quote
FROM asked
WHERE length(said) >= 20 AND start_time >= before_ended AND similarity(said, said_before) >= 0.6
  -- Being asked for consent to the next step is a question of its own.
  AND NOT regexp_like(said, 'anything else|\b(shall|should) i (proceed|continue|go ahead)|would you like me to|do you (want|confirm|agree)|\bconfirm\b|sonst noch|autre chose|algo más', 'i')
