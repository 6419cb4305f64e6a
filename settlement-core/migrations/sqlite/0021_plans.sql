-- Plans (计划) that promoters apply to, rates beside the programme's own, exclusive coupons, and dated contracts.

-- Targeted plans (定向计划). The general plan needs no row.
CREATE TABLE plans (
    id TEXT NOT NULL PRIMARY KEY,
    programme TEXT NOT NULL,
    merchant TEXT, -- who answers applications; the operator if null
    name TEXT NOT NULL,
    auto_approve INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    closes_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX plans_of_programme ON plans (programme);

-- Each application, with its answer. One that was rejected can be followed by another.
CREATE TABLE plan_applications (
    plan TEXT NOT NULL,
    promoter TEXT NOT NULL,
    applied_ms INTEGER NOT NULL,
    approved_ms INTEGER,
    rejected_ms INTEGER,
    PRIMARY KEY (plan, promoter, applied_ms)
) STRICT, WITHOUT ROWID;

-- Rates of merchants and operators beside the rules' own. Never changed: a later one for the same goods goes before.
CREATE TABLE rates (
    programme TEXT NOT NULL,
    number INTEGER NOT NULL,
    plan TEXT NOT NULL, -- empty for the general plan
    class TEXT, -- new, returning; null for both
    subject_kind TEXT NOT NULL CHECK (subject_kind IN ('product', 'category', 'shop', 'any')),
    subject TEXT NOT NULL,
    bp INTEGER, -- null: this earns nothing
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,
    recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (programme, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX rates_of_subject ON rates (programme, subject_kind, subject);

-- Coupon codes that belong to one promoter.
CREATE TABLE coupons (
    programme TEXT NOT NULL,
    code TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,
    promoter TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (programme, code, from_ms)
) STRICT, WITHOUT ROWID;

-- From when to when which agency's contract counts for a promoter.
CREATE TABLE agency_contracts (
    promoter INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,
    agency TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (promoter, from_ms)
) STRICT, WITHOUT ROWID;
INSERT INTO agency_contracts (promoter, from_ms, to_ms, agency, recorded_ms)
    SELECT num, 0, NULL, agency, updated_at FROM promoters WHERE agency IS NOT NULL;
