//! Many rows at once: PostgreSQL's COPY in its binary format.

use super::super::{ClickInsert, Param};
use postgres::Client;
use std::io::Write as _;

/// Encoded rows are handed to the connection in pieces of about this size.
const CHUNK: usize = 256 << 10;

/// Copies rows, each as `encode` appends it to the buffer, and says how many.
pub(super) fn rows<R>(
    client: &mut Client,
    sql: &str,
    rows: impl IntoIterator<Item = R>,
    buffer: &mut Vec<u8>,
    encode: impl Fn(R, &mut Vec<u8>),
) -> Result<u64, postgres::Error> {
    let mut writer = client.copy_in(sql)?;
    buffer.clear();
    buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for row in rows {
        encode(row, buffer);
        if buffer.len() >= CHUNK {
            if writer.write_all(buffer).is_err() {
                // The server has refused already; finish() says why.
                return writer.finish();
            }
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&(-1i16).to_be_bytes());
    let _ = writer.write_all(buffer);
    writer.finish()
}

/// One row of any table: a 16-bit count of fields, then length and bytes of each.
pub(super) fn values(row: &[Param<'_>], out: &mut Vec<u8>) {
    #[expect(clippy::cast_possible_truncation, reason = "a table has at most 1,600 columns")]
    out.extend_from_slice(&(row.len() as u16).to_be_bytes());
    for value in row {
        match value {
            Param::Null => null(out),
            Param::Int(value) => int8(out, *value),
            Param::Text(value) => bytes(out, value.as_bytes()),
            Param::Blob(value) => bytes(out, value),
        }
    }
}

/// The row of a click.
pub(super) fn click(row: &ClickInsert<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&10i16.to_be_bytes());
    bytes(out, &row.click.0);
    int8(out, row.effective.0);
    int8(out, row.edge.0);
    int8(out, row.ingested.0);
    out.extend_from_slice(&[0, 0, 0, 2, 0, row.outcome]);
    if row.visitor.is_some() {
        bytes(out, &row.visitor.0);
    } else {
        null(out);
    }
    int8(out, row.code.cast_signed());
    int8(out, row.placement.into());
    int8(out, row.target.into());
    bytes(out, row.payload);
}

fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1i32).to_be_bytes());
}

fn int8(out: &mut Vec<u8>, value: i64) {
    let mut field = [0u8; 12];
    field[3] = 8;
    field[4..].copy_from_slice(&value.to_be_bytes());
    out.extend_from_slice(&field);
}

fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    #[expect(clippy::cast_possible_truncation, reason = "texts and frames are at most a few MiB")]
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}
