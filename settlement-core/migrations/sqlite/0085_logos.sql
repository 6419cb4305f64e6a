-- A promoter's picture for the middle of their QR codes: small, square, a PNG or JPEG.
CREATE TABLE promoter_logos (
    promoter TEXT NOT NULL PRIMARY KEY,
    picture BLOB NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
