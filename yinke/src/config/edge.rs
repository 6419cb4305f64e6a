//! The edge's configuration file.

use super::effective::Shown;
use super::reader::Reader;
use super::{Role, parse, proxies};
use attribution_core::catalogue::Durability;
use attribution_core::click::EdgeId;
use redirector::config::{AddressRange, JournalSizes, Limits, SNAPSHOT_EVERY};
use redis_view::RedisOptions;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeValue;
use url::Url;

/// Everything an edge role needs.
pub(crate) struct EdgeFile {
    /// This edge's number; unique in the fleet.
    pub(crate) edge: EdgeId,
    /// Holds the journal and the table's snapshot.
    pub(crate) data_dir: PathBuf,
    /// Holds what `yinke keys export` made for this edge.
    pub(crate) keys_dir: PathBuf,
    /// The address that stands in links.
    pub(crate) public_url: Url,
    /// Further own hosts.
    pub(crate) hosts: Vec<String>,
    /// Where buyers are served.
    pub(crate) listen_public: SocketAddr,
    /// Where the operator is served.
    pub(crate) listen_admin: SocketAddr,
    /// The core's API.
    pub(crate) core_url: Url,
    /// The edge's token for it.
    pub(crate) core_token: String,
    /// Worker threads.
    pub(crate) workers: u8,
    /// What a client may use up.
    pub(crate) limits: Limits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<AddressRange>,
    /// A pattern file for agents.
    pub(crate) agent_patterns: Option<PathBuf>,
    /// Cut off for longer, the edge gives no claims.
    pub(crate) max_stale: Option<Duration>,
    /// When the 302 may leave.
    pub(crate) durability: Durability,
    /// Sizes of the journal.
    pub(crate) journal: JournalSizes,
    /// How often a changed table is saved.
    pub(crate) snapshot_every: Duration,
    /// Where last-click and binding records go.
    pub(crate) redis: Option<RedisOptions>,
}

impl Role for EdgeFile {
    fn read(r: &mut Reader<'_>) -> Option<Self> {
        let edge = r.required("edge", "this edge's number, 1 to 65535", parse::positive::<u16>);
        let data_dir = r.required("data_dir", "a path", parse::path);
        let keys_dir = r.optional("keys_dir", "a path", parse::path);
        let public_url = r.required("public_url", parse::PUBLIC_URL, parse::public_url);
        let hosts = r.defaulted("hosts", parse::HOSTS, |v| parse::list(v, parse::host), Vec::new());
        let public = r.required("listen.public", "an address such as \"0.0.0.0:8080\"", parse::address);
        let admin = r.required("listen.admin", "an address such as \"127.0.0.1:9090\"", parse::address);
        let core_url =
            r.required("core.url", "an http URL such as \"http://core.internal:8081\"", parse::http_url);
        let core_token = r.secret("core.token");
        let workers = r.defaulted("server.workers", "1 to 128", parse::workers, workers_here());
        let limits = limits(r);
        let trusted_proxies = proxies::trusted(r, "server.trusted_proxies");
        let agent_patterns = r.optional("agents.patterns", "a path", parse::path);
        let max_stale = r.optional("table.max_stale", DURATION, parse::duration);
        let snapshot_every = r.defaulted("table.snapshot_every", DURATION, parse::duration, SNAPSHOT_EVERY);
        let durability =
            r.defaulted("journal.durability", "\"fast\" or \"strict\"", durability, Durability::Fast);
        let journal = journal_sizes(r);
        let redis = super::redis::redis(r);
        if let Some(None) = core_token {
            r.conflict(
                "core.token",
                "missing; expected core.token_file, a file that holds this edge's token",
            );
        }
        r.refuse_one_address(("listen.admin", admin), ("listen.public", public));
        let data_dir = r.resolve(&data_dir?);
        Some(Self {
            edge: EdgeId(edge?),
            keys_dir: keys_dir?.map_or_else(|| data_dir.join("keys"), |dir| r.resolve(&dir)),
            data_dir,
            public_url: public_url?,
            hosts: hosts?,
            listen_public: public?,
            listen_admin: admin?,
            core_url: core_url?,
            core_token: core_token??,
            workers: workers?,
            limits: limits?,
            trusted_proxies: trusted_proxies?,
            agent_patterns: agent_patterns?.map(|path| r.resolve(&path)),
            max_stale: max_stale?,
            durability: durability?,
            journal: journal?,
            snapshot_every: snapshot_every?,
            redis: redis?,
        })
    }
}

/// One edge worker per core of this machine.
pub(crate) fn workers_here() -> u8 {
    std::thread::available_parallelism().map_or(1, |cores| u8::try_from(cores.get()).unwrap_or(128).min(128))
}

const DURATION: &str = "a duration such as \"30s\"";

fn journal_sizes(r: &mut Reader<'_>) -> Option<JournalSizes> {
    let d = JournalSizes::default();
    let segment_bytes =
        r.defaulted("journal.segment_bytes", "a number of bytes", parse::positive, d.segment_bytes);
    let spare_segments = r.defaulted(
        "journal.spare_segments",
        "a whole number, at least 1",
        parse::positive,
        d.spare_segments,
    );
    Some(JournalSizes { segment_bytes: segment_bytes?, spare_segments: spare_segments?, ..d })
}

fn limits(r: &mut Reader<'_>) -> Option<Limits> {
    let d = Limits::default();
    let connections = r.defaulted("server.connections", COUNT, parse::positive, d.connections);
    let header_timeout = r.defaulted("server.header_timeout", DURATION, parse::duration, d.header_timeout);
    let write_timeout = r.defaulted("server.write_timeout", DURATION, parse::duration, d.write_timeout);
    let head_bytes =
        r.defaulted("server.head_bytes", "a number of bytes, at least 8192", head_bytes, d.head_bytes);
    let unfinished_bytes =
        r.defaulted("server.unfinished_bytes", "a number of bytes", parse::positive, d.unfinished_bytes);
    let headers = r.defaulted("server.headers", COUNT, parse::positive, d.headers);
    let misses_per_minute = r.defaulted(
        "limits.misses_per_minute",
        "a whole number; 0 is off",
        parse::number,
        d.misses_per_minute,
    );
    let miss_burst = r.defaulted("limits.miss_burst", COUNT, parse::positive, d.miss_burst);
    let strict_queue = r.defaulted("limits.strict_queue", COUNT, parse::positive, d.strict_queue);
    Some(Limits {
        connections: connections?,
        header_timeout: header_timeout?,
        write_timeout: write_timeout?,
        head_bytes: head_bytes?,
        unfinished_bytes: unfinished_bytes?,
        headers: headers?,
        misses_per_minute: misses_per_minute?,
        miss_burst: miss_burst?,
        strict_queue: strict_queue?,
    })
}

const COUNT: &str = "a whole number, at least 1";

fn head_bytes(value: &DeValue<'_>) -> Option<usize> {
    parse::number(value).filter(|n| *n >= 8_192)
}

impl Shown for Durability {
    fn shown(&self) -> String {
        match self {
            Self::Fast => "\"fast\"".to_owned(),
            Self::Strict => "\"strict\"".to_owned(),
        }
    }
}

fn durability(value: &DeValue<'_>) -> Option<Durability> {
    match value.as_str()? {
        "fast" => Some(Durability::Fast),
        "strict" => Some(Durability::Strict),
        _ => None,
    }
}
