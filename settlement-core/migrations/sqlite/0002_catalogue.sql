-- The catalogue: who sells, who promotes, under which rules, and the links between them.
--
-- Rows that edges need carry the number of their last change; the feed is the union of these tables in that order,
-- so it is compacted by construction: one entry per row.

CREATE TABLE platforms (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE merchants (
    id TEXT NOT NULL PRIMARY KEY,
    platform TEXT NOT NULL REFERENCES platforms (id),
    name TEXT NOT NULL,
    -- JSON array of the hosts its destinations may have; empty means any public host.
    hosts TEXT NOT NULL,
    shop_url TEXT,
    click_param TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX merchants_platform ON merchants (platform);

CREATE TABLE categories (
    num INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    parent INTEGER REFERENCES categories (num),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE programmes (
    num INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- One of the two owns it.
    platform TEXT REFERENCES platforms (id),
    merchant TEXT REFERENCES merchants (id),
    name TEXT NOT NULL,
    -- The version edges have been told; the one in force by date may already be another.
    active_version INTEGER NOT NULL,
    -- JSON of the row edges get.
    edge_row TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    change_no INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    CHECK ((platform IS NULL) <> (merchant IS NULL))
) STRICT;
CREATE INDEX programmes_change ON programmes (change_no);

-- Never edited: a change is a new version.
CREATE TABLE programme_versions (
    programme INTEGER NOT NULL REFERENCES programmes (num),
    version INTEGER NOT NULL,
    effective_from INTEGER NOT NULL,
    policy TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (programme, version)
) STRICT, WITHOUT ROWID;

-- What a link leads to. `id` is the product's id, the merchant's id (shop) or a hash of the URL (page).
CREATE TABLE targets (
    num INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('product', 'shop', 'page')),
    id TEXT NOT NULL,
    merchant TEXT NOT NULL REFERENCES merchants (id),
    title TEXT NOT NULL,
    destination TEXT NOT NULL,
    price_fen INTEGER,
    category INTEGER REFERENCES categories (num),
    cancelled_from INTEGER,
    delisted_from INTEGER,
    pass_query INTEGER NOT NULL,
    click_param TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    change_no INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    UNIQUE (kind, id)
) STRICT;
CREATE INDEX targets_merchant ON targets (merchant, kind, id);
CREATE INDEX targets_change ON targets (change_no);

CREATE TABLE promoters (
    num INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    agency TEXT,
    disabled_from INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    change_no INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX promoters_agency ON promoters (agency);
CREATE INDEX promoters_change ON promoters (change_no);

-- The promoter's own buyer accounts: self-purchase is judged by them.
CREATE TABLE promoter_accounts (
    platform TEXT NOT NULL REFERENCES platforms (id),
    buyer TEXT NOT NULL,
    promoter INTEGER NOT NULL REFERENCES promoters (num),
    PRIMARY KEY (platform, buyer, promoter)
) STRICT, WITHOUT ROWID;

CREATE TABLE placements (
    num INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    promoter INTEGER NOT NULL REFERENCES promoters (num),
    programme INTEGER NOT NULL REFERENCES programmes (num),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    change_no INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX placements_promoter ON placements (promoter);
CREATE INDEX placements_change ON placements (change_no);

-- `code` is the packed short code; `starts` and `expires` are whole seconds, 0 for no limit; `qr_of` is the code of
-- the link whose QR code this is.
CREATE TABLE links (
    code INTEGER PRIMARY KEY,
    placement INTEGER NOT NULL REFERENCES placements (num),
    target INTEGER NOT NULL REFERENCES targets (num),
    starts INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    shared_at INTEGER NOT NULL,
    qr_of INTEGER,
    created_at INTEGER NOT NULL,
    change_no INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX links_placement ON links (placement, code);
CREATE INDEX links_qr ON links (qr_of) WHERE qr_of IS NOT NULL;
CREATE INDEX links_change ON links (change_no);

CREATE TABLE aliases (
    alias TEXT NOT NULL PRIMARY KEY,
    code INTEGER NOT NULL REFERENCES links (code),
    change_no INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_code ON aliases (code);
CREATE INDEX aliases_change ON aliases (change_no);

-- `programme` 0 means all programmes.
CREATE TABLE bans (
    category INTEGER NOT NULL REFERENCES categories (num),
    programme INTEGER NOT NULL,
    effective_from INTEGER NOT NULL,
    announced_at INTEGER NOT NULL,
    note TEXT NOT NULL,
    change_no INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (category, programme)
) STRICT, WITHOUT ROWID;
CREATE INDEX bans_change ON bans (change_no);

-- Dated state, for judging the past: what held from when to when (half-open; no end while it still holds).
-- kind target: cancelled, delisted; kind promoter: disabled; kind category: banned (`scope` is the programme, 0 = all).
CREATE TABLE periods (
    kind TEXT NOT NULL CHECK (kind IN ('target', 'promoter', 'category')),
    num INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('cancelled', 'delisted', 'disabled', 'banned')),
    scope INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (kind, num, what, scope, from_ms)
) STRICT, WITHOUT ROWID;
