-- A link's placement and target must be there, as before. A foreign key looks them up again for every row, and locks them:
-- that was half of the time that a new link took. Now what a statement brings is looked up once for all its rows, each
-- placement and target once.
ALTER TABLE links DROP CONSTRAINT links_placement_fkey, DROP CONSTRAINT links_target_fkey;

-- The subqueries are searches in the primary key for whatever PostgreSQL knows of the sizes of the tables.
CREATE FUNCTION links_lead_somewhere() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT placement FROM made) m
            WHERE (SELECT p.num FROM placements p WHERE p.num = m.placement) IS NULL)
        OR EXISTS (SELECT 1 FROM (SELECT DISTINCT target FROM made) m
            WHERE (SELECT t.num FROM targets t WHERE t.num = m.target) IS NULL) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a link must have a placement and a target that are there';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER links_made AFTER INSERT ON links REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION links_lead_somewhere();
CREATE TRIGGER links_changed AFTER UPDATE ON links REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION links_lead_somewhere();

-- And they stay: nothing here ever deletes them, and nobody else may.
CREATE FUNCTION links_lead_here() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = format('%s are never deleted or renumbered: links lead to them', TG_TABLE_NAME);
END $$;
CREATE TRIGGER placements_stay BEFORE DELETE OR TRUNCATE OR UPDATE OF num ON placements
    FOR EACH STATEMENT EXECUTE FUNCTION links_lead_here();
CREATE TRIGGER targets_stay BEFORE DELETE OR TRUNCATE OR UPDATE OF num ON targets
    FOR EACH STATEMENT EXECUTE FUNCTION links_lead_here();
