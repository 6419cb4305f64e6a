//! Named instants at which a test may have the process killed, to prove that none of them loses or doubles anything.
//!
//! Only builds with debug assertions have them: there the process that was started with `YINKE_FAILPOINT=NAME` or
//! `NAME:COUNT` kills itself with SIGKILL when it gets to that instant (for the COUNT-th time). Otherwise nothing is here.

/// All names, in the order in which a start gets to them.
pub const ALL: [&str; 20] = [
    "recovery.made_durable",
    "recovery.recorded",
    "epoch.recorded",
    "spares.filled",
    "spares.headed",
    "spares.renamed",
    "spares.ready",
    "writer.flush",
    "writer.written",
    "writer.committed",
    "sync.synced",
    "sync.published",
    "replace.written",
    "replace.renamed",
    "keeper.saved",
    "shipper.taken",
    "shipper.advanced",
    "heartbeat.heard",
    "release.put_aside",
    "release.forgotten",
];

/// The process has got to the instant `name`.
#[inline]
pub fn reach(name: &'static str) {
    #[cfg(debug_assertions)]
    armed::reach(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Armed {
        name: String,
        left: AtomicU32,
    }

    static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
        let text = std::env::var("YINKE_FAILPOINT").ok()?;
        let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
        Some(Armed { name: name.to_owned(), left: AtomicU32::new(count.parse().unwrap_or(1)) })
    });

    pub(super) fn reach(name: &'static str) {
        debug_assert!(super::ALL.contains(&name), "a failpoint without an entry: {name}");
        let Some(armed) = ARMED.as_ref().filter(|armed| armed.name == name) else { return };
        if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Nothing may run after it, as with any other kill -9.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}
