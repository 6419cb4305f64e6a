-- A person lets go what was found of a line, not the line: once another click decides, what is found of that one waits for
-- another word. Such a finding bears the click that decided when it was opened, or the promoter whose agency has no name.
ALTER TABLE order_reviews ADD COLUMN released BIGINT NOT NULL DEFAULT 0;
UPDATE order_reviews SET found = COALESCE((SELECT
        CASE order_reviews.reason WHEN 'unnamed_agency' THEN d.attribution::jsonb #>> '{attribution,outcome,award,promoter}'
        ELSE d.attribution::jsonb #>> '{attribution,relation,click}' END
    FROM order_decisions d WHERE d.platform = order_reviews.platform AND d.order_id = order_reviews.order_id
    AND d.line_id = order_reviews.line_id AND d.made_ms <= order_reviews.opened_ms ORDER BY d.number DESC LIMIT 1), '')
    WHERE reason IN ('unjournaled', 'shared_token', 'unnamed_agency');
UPDATE order_reviews SET released = 1
    WHERE reason IN ('unjournaled', 'shared_token', 'unnamed_agency') AND resolved_ms IS NOT NULL
    AND EXISTS (SELECT 1 FROM order_lines l WHERE l.platform = order_reviews.platform
        AND l.order_id = order_reviews.order_id AND l.line_id = order_reviews.line_id AND l.review_passed = 1);
ALTER TABLE order_lines DROP COLUMN review_passed;
