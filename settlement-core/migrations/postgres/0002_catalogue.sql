-- The catalogue: who sells, who promotes, under which rules, and the links between them.
--
-- Rows that edges need carry the number of their last change; the feed is the union of these tables in that order,
-- so it is compacted by construction: one entry per row.

CREATE TABLE platforms (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE merchants (
    id TEXT PRIMARY KEY,
    platform TEXT NOT NULL REFERENCES platforms (id),
    name TEXT NOT NULL,
    -- JSON array of the hosts its destinations may have; empty means any public host.
    hosts TEXT NOT NULL,
    shop_url TEXT,
    click_param TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX merchants_platform ON merchants (platform);

CREATE TABLE categories (
    num BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    parent BIGINT REFERENCES categories (num),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE programmes (
    num BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- One of the two owns it.
    platform TEXT REFERENCES platforms (id),
    merchant TEXT REFERENCES merchants (id),
    name TEXT NOT NULL,
    -- The version edges have been told; the one in force by date may already be another.
    active_version BIGINT NOT NULL,
    -- JSON of the row edges get.
    edge_row TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    change_no BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    CHECK ((platform IS NULL) <> (merchant IS NULL))
);
CREATE INDEX programmes_change ON programmes (change_no);

-- Never edited: a change is a new version.
CREATE TABLE programme_versions (
    programme BIGINT NOT NULL REFERENCES programmes (num),
    version BIGINT NOT NULL,
    effective_from BIGINT NOT NULL,
    policy TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (programme, version)
);

-- What a link leads to. `id` is the product's id, the merchant's id (shop) or a hash of the URL (page).
CREATE TABLE targets (
    num BIGINT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('product', 'shop', 'page')),
    id TEXT NOT NULL,
    merchant TEXT NOT NULL REFERENCES merchants (id),
    title TEXT NOT NULL,
    destination TEXT NOT NULL,
    price_fen BIGINT,
    category BIGINT REFERENCES categories (num),
    cancelled_from BIGINT,
    delisted_from BIGINT,
    pass_query BIGINT NOT NULL,
    click_param TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    change_no BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX targets_merchant ON targets (merchant, kind, id);
CREATE INDEX targets_change ON targets (change_no);

CREATE TABLE promoters (
    num BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    agency TEXT,
    disabled_from BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    change_no BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX promoters_agency ON promoters (agency);
CREATE INDEX promoters_change ON promoters (change_no);

-- The promoter's own buyer accounts: self-purchase is judged by them.
CREATE TABLE promoter_accounts (
    platform TEXT NOT NULL REFERENCES platforms (id),
    buyer TEXT NOT NULL,
    promoter BIGINT NOT NULL REFERENCES promoters (num),
    PRIMARY KEY (platform, buyer, promoter)
);

CREATE TABLE placements (
    num BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    promoter BIGINT NOT NULL REFERENCES promoters (num),
    programme BIGINT NOT NULL REFERENCES programmes (num),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    change_no BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX placements_promoter ON placements (promoter);
CREATE INDEX placements_change ON placements (change_no);

-- `code` is the packed short code; `starts` and `expires` are whole seconds, 0 for no limit; `qr_of` is the code of
-- the link whose QR code this is.
CREATE TABLE links (
    code BIGINT PRIMARY KEY,
    placement BIGINT NOT NULL REFERENCES placements (num),
    target BIGINT NOT NULL REFERENCES targets (num),
    starts BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    shared_at BIGINT NOT NULL,
    qr_of BIGINT,
    created_at BIGINT NOT NULL,
    change_no BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX links_placement ON links (placement, code);
CREATE INDEX links_qr ON links (qr_of) WHERE qr_of IS NOT NULL;
CREATE INDEX links_change ON links (change_no);

CREATE TABLE aliases (
    alias TEXT PRIMARY KEY,
    code BIGINT NOT NULL REFERENCES links (code),
    change_no BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX aliases_code ON aliases (code);
CREATE INDEX aliases_change ON aliases (change_no);

-- `programme` 0 means all programmes.
CREATE TABLE bans (
    category BIGINT NOT NULL REFERENCES categories (num),
    programme BIGINT NOT NULL,
    effective_from BIGINT NOT NULL,
    announced_at BIGINT NOT NULL,
    note TEXT NOT NULL,
    change_no BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (category, programme)
);
CREATE INDEX bans_change ON bans (change_no);

-- Dated state, for judging the past: what held from when to when (half-open; no end while it still holds).
-- kind target: cancelled, delisted; kind promoter: disabled; kind category: banned (`scope` is the programme, 0 = all).
CREATE TABLE periods (
    kind TEXT NOT NULL CHECK (kind IN ('target', 'promoter', 'category')),
    num BIGINT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('cancelled', 'delisted', 'disabled', 'banned')),
    scope BIGINT NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (kind, num, what, scope, from_ms)
);
