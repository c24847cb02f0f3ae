-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH equipped AS (
  -- Runs of a kind that does call tools, as a rule: where no run ever does, tools are just not traced.
  SELECT root_name FROM traces GROUP BY root_name HAVING avg(CASE WHEN tool_calls > 0 THEN 1.0 ELSE 0.0 END) >= 0.2
),
idle AS (
  SELECT t.trace_id FROM traces AS t JOIN equipped AS e ON e.root_name = t.root_name
  WHERE t.tool_calls = 0 AND t.llm_calls > 0
),
{{answers}}
SELECT a.trace_id, a.span_id, left(a.said, 300) AS quote
FROM answers AS a JOIN idle AS i ON i.trace_id = a.trace_id
WHERE regexp_like(left(a.said, 1500), '\b(i|we)([''’]ve| have)( just| now| already| also| gone ahead and| successfully)* (booked|cancel+ed|refunded|processed|updated|changed|created|sent|submitted|scheduled|applied|removed|issued|credited|deleted|placed|ordered|upgraded|modified|registered|reset|transferred|activated|closed|extended|renewed|rescheduled)\b', 'i')
  AND NOT regexp_like(left(a.said, 1500), {{admits}}, 'i')
  AND a.trace_id NOT IN (SELECT trace_id FROM spans WHERE span_type = 'LLM' AND requested_tool_calls IS NOT NULL)
