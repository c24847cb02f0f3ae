-- population: SELECT DISTINCT trace_id FROM spans WHERE span_type = 'TOOL' AND coalesce(tool_name, name) = {subject}
WITH {{calls}},
placed AS (
  SELECT trace_id, span_id, tool, failed, said, asked, lead(asked) OVER w AS next_asked
  FROM calls WHERE trace_id IN (SELECT trace_id FROM calls WHERE failed)
  WINDOW w AS (PARTITION BY trace_id, tool ORDER BY step)
)
-- Refused, and then called again with other arguments: the model had to find out by trial what the tool wants. The same call again is
-- a retry of something that passes, and no call again is a failure that was taken as it is.
SELECT trace_id, span_id, left(said, 240) AS quote, tool AS subject
FROM placed
WHERE failed AND next_asked <> asked AND length(said) > 0
  AND NOT regexp_like(tool, 'python|bash|shell|exec|code|terminal|notebook|sql', 'i')
