-- population: SELECT trace_id FROM traces WHERE llm_calls > 3
WITH {{history_drops}},
said AS (
  SELECT trace_id, span_id, message_id, first_value(message_id) OVER (PARTITION BY trace_id ORDER BY step, position) AS first_id
  FROM messages
  WHERE direction = 'input' AND role = 'user' AND trace_id IN (SELECT trace_id FROM history_drops)
),
begun AS (
  SELECT trace_id, array_agg(span_id) FILTER (WHERE message_id = first_id) AS with_first FROM said GROUP BY trace_id
),
lost AS (
  -- What the user said first is not in the request any more.
  SELECT d.trace_id, d.span_id, d.step
  FROM history_drops AS d JOIN begun AS b ON b.trace_id = d.trace_id
  WHERE NOT array_has(b.with_first, d.span_id)
),
told AS (
  SELECT d.trace_id, d.span_id, d.step, left(s.output, 600) AS said
  FROM history_drops AS d JOIN spans AS s ON s.trace_id = d.trace_id AND s.step = d.step
),
calls AS (
  SELECT trace_id, step, coalesce(tool_name, name) AS tool, text_key(input) AS asked
  FROM spans WHERE span_type = 'TOOL' AND trace_id IN (SELECT trace_id FROM history_drops)
),
redone AS (
  SELECT DISTINCT d.trace_id, d.step
  FROM history_drops AS d
  JOIN calls AS a ON a.trace_id = d.trace_id
  JOIN calls AS b ON b.trace_id = a.trace_id AND b.tool = a.tool AND b.asked = a.asked
  WHERE a.step < d.step AND b.step > d.step
)
SELECT d.trace_id, d.span_id, left(d.said, 240) AS quote
FROM told AS d
LEFT JOIN redone AS r ON r.trace_id = d.trace_id AND r.step = d.step
LEFT JOIN lost AS l ON l.trace_id = d.trace_id AND l.step = d.step
WHERE length(d.said) > 0
  AND (r.trace_id IS NOT NULL
       OR regexp_like(d.said, '\b(could|can|would|will) you (please )?(provide|share|tell|give|confirm|repeat|remind|send|state|specify)|what(\s+is|[''’]s) (your|the) |(which|what) (order|number|name|date|address|account|id)\b|please (provide|share|confirm|give|send|state|specify|enter|tell)|how can i (help|assist)|(don[''’]t|do not) (seem to )?(have|see) (any|your|the)', 'i')
       -- Without what the user began with, any question may be one that was answered.
       OR (l.trace_id IS NOT NULL AND regexp_like(d.said, '\?|\b(please|need|require|missing|tell me|let me know|provide)\b', 'i')
           AND NOT regexp_like(d.said, 'anything else|else (i|we) can|sonst noch|autre chose|algo más', 'i')))
