calls AS (
  -- Every tool call, whether it failed, and the text in which it says so. `asked` and `got` stand for its arguments and its result where those
  -- are only compared.
  SELECT trace_id, span_id, step, tool, start_time, end_time, request, asked, got, got_bytes, asked_head,
         coalesce(status = 'ERROR', false) OR failure IS NOT NULL OR says_no AS failed,
         left(CASE WHEN status = 'ERROR' AND failure IS NULL AND NOT says_no AND status_message IS NOT NULL
                   THEN status_message ELSE output END, 600) AS said
  FROM (SELECT trace_id, span_id, step, coalesce(tool_name, name) AS tool, start_time, end_time, coalesce(tool_call_id, span_id) AS request,
               text_key(input) AS asked, text_key(output) AS got, octet_length(output) AS got_bytes, left(input, 240) AS asked_head,
               status, status_message, output, result_failure(output) AS failure,
               -- A short result that opens with a refusal, where no field or prefix marks it as one.
               coalesce(octet_length(output) < 400
                        AND (regexp_like(output, {{says_no}}, 'i')
                             -- Or says so in a sentence, unless sentences are what the tool is there for.
                             OR (regexp_like(output, {{says_failed}}, 'i') AND NOT regexp_like(output, '^\s*[\[{<]|\n.*\n')
                                 AND NOT regexp_like(coalesce(tool_name, name), 'log|grep|^search$|search_(web|doc|librar|knowledge|code)|read|doc|page|web|brows|test|file|note|mail|messag|trace|retriev|fetch_url|summar|chat|ask|agent', 'i'))), false) AS says_no
        FROM spans WHERE span_type = 'TOOL') AS tool_spans
)
