-- population: SELECT trace_id FROM traces WHERE llm_calls > 0
WITH said AS (
  -- Each message once, where it came up.
  SELECT trace_id, message_id, min(step) AS step, min(min(step)) OVER (PARTITION BY trace_id) AS first_step, first_value(span_id ORDER BY step) AS span_id, first_value(left(content, 1000) ORDER BY step) AS content
  FROM messages
  WHERE direction = 'input' AND role = 'user' AND octet_length(content) < 2000
  GROUP BY trace_id, message_id
)
SELECT trace_id, span_id, left(content, 300) AS quote
FROM said
WHERE step > first_step
  AND regexp_like(content, '\b(in|see) (my|the) (first|last|previous|earlier|original) (message|mail|post|question|request)|\bit[''’]?s (all )?(in|above)\b[^.\n]{0,30}(message|above|already)|\balready[.,!]* *$|\balready (in|told|gave|given|there)\b|\b(as|like) i (already |just )?(said|told|mentioned|wrote|explained)|\bi[''’ ]?(ve|have)? ?(just |already )+(told|said|gave|given|provided|sent|mentioned|answered|explained|shared|stated|written)|\bi told you|\byou (have |[''’]ve )?(just |already )*asked (me )?(for )?(that|this|it)|\basked (me )?(that |this )?(already|before|twice)|(that|this)[''’ ]?i?s not what i (asked|meant|said|wanted)|not listening|\b(see|read|scroll|look) (up|above|back|my (first|last|previous|earlier))|how many times|\b(habe|hab) ich (doch |bereits |schon |ihnen |dir )+[^.!?\n]{0,30}(gesagt|genannt|gegeben|geschrieben|mitgeteilt)|\bje (vous )?l[''’]ai déjà|déjà (dit|donné|indiqué|précisé)|\bya (te |se |le |lo |la |les )*(dije|di|he |lo he|indiqué|mencioné)', 'i')
