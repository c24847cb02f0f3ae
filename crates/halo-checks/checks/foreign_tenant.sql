-- population: SELECT trace_id FROM traces WHERE tool_calls > 0
WITH owners AS (
  -- Whose run it is, by whichever attribute says so.
  SELECT DISTINCT trace_id, lower(leaf['value']) AS tenant
  FROM (SELECT trace_id, unnest(json_leaves(attributes)) AS leaf FROM traces) AS listed
  WHERE regexp_like(leaf['path'], '(^|[._])(tenant|org|organi[sz]ation|workspace|customer_account|account)([._](id|name|slug|key))?$', 'i')
    AND length(leaf['value']) >= 3
),
named AS (
  SELECT trace_id, span_id, leaf['value'] AS said
  FROM (SELECT trace_id, span_id, unnest(json_leaves(output)) AS leaf
        FROM spans
        WHERE span_type IN ('TOOL', 'RETRIEVER') AND octet_length(output) <= 20000
          AND regexp_like(output, '"(tenant|org|organi[sz]ation|workspace|customer_?account|account|owner|company|client)(_?(id|name|slug|key))?\\?"\s*:', 'i')) AS results
  WHERE regexp_like(leaf['path'], '(^|[._])(tenant|org|organi[sz]ation|workspace|customer_?account|account|owner|company|client)(_?(id|name|slug|key))?$', 'i')
)
SELECT DISTINCT n.trace_id, n.span_id, n.said AS quote
FROM named AS n
WHERE lower(n.said) IN (SELECT tenant FROM owners)
  AND n.trace_id IN (SELECT trace_id FROM owners)
  AND NOT EXISTS (SELECT 1 FROM owners AS o WHERE o.trace_id = n.trace_id AND o.tenant = lower(n.said))
