{{calls}},
ends AS (
  -- How each run ended: its last model call, the root's status, and whether the answer owns up to a problem.
  SELECT t.trace_id, t.root_status, m.last_model_step,
         coalesce(regexp_like(left(t.final_output, 1500), {{admits}}, 'i'), false) AS admits
  FROM traces AS t
  LEFT JOIN (SELECT trace_id, max(step) AS last_model_step FROM spans WHERE span_type = 'LLM' GROUP BY trace_id) AS m
    ON m.trace_id = t.trace_id
  WHERE t.trace_id IN (SELECT trace_id FROM calls WHERE failed)
),
judged AS (
  SELECT trace_id, span_id, step, tool, failed, said,
         max(CASE WHEN NOT failed THEN step END) OVER (PARTITION BY trace_id, tool) AS tool_worked_step,
         max(CASE WHEN NOT failed THEN step END) OVER (PARTITION BY trace_id) AS any_worked_step,
         min(CASE WHEN NOT failed THEN step END) OVER (PARTITION BY trace_id) AS first_worked_step
  FROM calls WHERE trace_id IN (SELECT trace_id FROM calls WHERE failed)
),
broken AS (
  -- Failures that the run did not get over: the same tool never worked afterwards, and either nothing else did or the
  -- answer says so. A failed hook after the last model call changed nothing and is left out.
  SELECT j.trace_id, j.span_id, j.step, j.tool AS subject, j.said, j.first_worked_step
  FROM judged AS j JOIN ends AS e ON e.trace_id = j.trace_id
  WHERE j.failed
    AND coalesce(j.tool_worked_step < j.step, true)
    AND (coalesce(j.any_worked_step < j.step, true) OR e.admits OR e.root_status = 'ERROR')
    AND (coalesce(j.step < e.last_model_step, true) OR e.root_status = 'ERROR')
  UNION ALL
  -- Model calls that failed with no model call after them that worked.
  SELECT trace_id, span_id, step, coalesce(model, name), said, first_worked_step
  FROM (SELECT trace_id, span_id, step, model, name, status,
               -- What the others said is not needed, and is most of what there is to read.
               CASE WHEN status = 'ERROR' THEN left(coalesce(status_message, nullif(output, ''), error_type), 600) END AS said,
               max(CASE WHEN status <> 'ERROR' THEN step END) OVER (PARTITION BY trace_id) AS worked_step,
               min(CASE WHEN status <> 'ERROR' THEN step END) OVER (PARTITION BY trace_id) AS first_worked_step
        FROM spans WHERE span_type = 'LLM' AND trace_id IN (SELECT trace_id FROM spans WHERE span_type = 'LLM' AND status = 'ERROR')) AS model_spans
  WHERE status = 'ERROR' AND coalesce(worked_step < step, true)
)
