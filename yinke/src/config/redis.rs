//! The `[redis]` table, the same for edges and cores: one server or a cluster, or nothing.

use super::reader::Reader;
use redis_view::{AddressError, RedisOptions};

/// Reads it: `None` is a mistake (noted), `Some(None)` means that no records are written.
pub(super) fn redis(r: &mut Reader<'_>) -> Option<Option<RedisOptions>> {
    let url = r.secret("redis.url");
    let cluster = r.secret("redis.cluster");
    if let (Some(Some(_)), Some(Some(_))) = (&url, &cluster) {
        r.conflict("redis.url", "expected only one of redis.url and redis.cluster");
        return None;
    }
    let url = parsed(r, "redis.url", url?.as_deref(), RedisOptions::single)?;
    let cluster = parsed(r, "redis.cluster", cluster?.as_deref(), RedisOptions::cluster)?;
    Some(url.or(cluster))
}

fn parsed(
    r: &mut Reader<'_>,
    key: &str,
    text: Option<&str>,
    parse: fn(&str) -> Result<RedisOptions, AddressError>,
) -> Option<Option<RedisOptions>> {
    match text.map(parse).transpose() {
        Ok(options) => Some(options),
        Err(error) => {
            r.conflict(key, &error.to_string());
            None
        }
    }
}
