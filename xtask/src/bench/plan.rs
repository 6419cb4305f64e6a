//! What is measured: which server, which links, which connections.

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Raw epoll, fixed bytes; the flag says that it closes each connection.
    Raw { close: bool },
    /// Bare hyper, fixed 302.
    Hyper,
    /// nginx, `return 302`, buffered access log.
    Nginx,
    /// HAProxy's redirect.
    Haproxy,
    /// Our edge with so many links.
    Edge { links: u64 },
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) who: Who,
    pub(super) links: u64,
    pub(super) popularity: &'static str,
    pub(super) status: u16,
    pub(super) close: bool,
}

/// Links of the edge that the fixed servers are compared with.
pub(super) const MAIN_LINKS: u64 = 1_000_000;
/// The smallest table.
pub(super) const SMALL_LINKS: u64 = 1_000;

/// All lines, in the order in which every round runs them.
pub(super) fn cases(sizes: &[u64]) -> Vec<Case> {
    let case = |name: String, who: Who, popularity: &'static str, close: bool| {
        let links = if let Who::Edge { links } = who { links } else { MAIN_LINKS };
        let status = if popularity == "unknown" { 404 } else { 302 };
        Case { name, who, links, popularity, status, close }
    };
    let mut cases = vec![
        case("raw".into(), Who::Raw { close: false }, "uniform", false),
        case("hyper".into(), Who::Hyper, "uniform", false),
        case("nginx".into(), Who::Nginx, "uniform", false),
        case("haproxy".into(), Who::Haproxy, "uniform", false),
    ];
    for &links in sizes {
        let who = Who::Edge { links };
        cases.push(case(edge_name(links, "uniform"), who, "uniform", false));
        cases.push(case(edge_name(links, "zipf"), who, "zipf", false));
    }
    let main = Who::Edge { links: MAIN_LINKS };
    cases.push(case(edge_name(MAIN_LINKS, "unknown"), main, "unknown", false));
    cases.push(case("close raw".into(), Who::Raw { close: true }, "uniform", true));
    cases.push(case("close hyper".into(), Who::Hyper, "uniform", true));
    cases.push(case("close nginx".into(), Who::Nginx, "uniform", true));
    cases.push(case("close haproxy".into(), Who::Haproxy, "uniform", true));
    cases.push(case("close edge".into(), main, "uniform", true));
    cases
}

/// The name of the edge's line.
pub(super) fn edge_name(links: u64, popularity: &str) -> String {
    format!("edge {links} {popularity}")
}
