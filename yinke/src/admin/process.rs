//! What the kernel knows of this process, under the names that every Prometheus dashboard knows.

use std::fmt::Write as _;

/// Appends the `process_` metrics; what cannot be read is left out.
pub(super) fn render(out: &mut String) {
    let mut metric = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
    };
    let stat = Stat::read();
    let s = stat.as_ref();
    metric("process_cpu_seconds_total", "counter", "CPU time used.", s.map(|s| s.cpu_seconds));
    metric("process_resident_memory_bytes", "gauge", "Resident memory.", s.map(|s| s.resident_bytes));
    metric("process_virtual_memory_bytes", "gauge", "Virtual memory.", s.map(|s| s.virtual_bytes));
    metric("process_threads", "gauge", "Threads.", s.map(|s| s.threads));
    metric("process_start_time_seconds", "gauge", "Start, in seconds since 1970.", s.and_then(|s| s.started));
    let open = std::fs::read_dir("/proc/self/fd").ok().map(|dir| count(dir.count()));
    metric("process_open_fds", "gauge", "Open file descriptors.", open);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    metric("process_max_fds", "gauge", "Limit of open file descriptors.", limit.map(|n| n as f64));
}

/// The unit of times in /proc: part of Linux's interface to programs, the same on every machine we run on.
const USER_HZ: f64 = 100.0;

struct Stat {
    cpu_seconds: f64,
    threads: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
    started: Option<f64>,
}

impl Stat {
    fn read() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The command's name stands in brackets and may hold spaces and brackets.
        let (_, rest) = stat.rsplit_once(')')?;
        // Fields count from 3 (state) behind the name; numbers as in proc(5).
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let boot = std::fs::read_to_string("/proc/stat")
            .ok()
            .and_then(|s| s.lines().find_map(|l| l.strip_prefix("btime ")?.trim().parse::<f64>().ok()));
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / USER_HZ,
            threads: field(20)?,
            started: boot.zip(field(22)).map(|(boot, since)| boot + since / USER_HZ),
            virtual_bytes: field(23)?,
            resident_bytes: resident_bytes()?,
        })
    }
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1_024.0)
}

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_memory_and_a_start() {
        let mut text = String::new();
        super::render(&mut text);
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|l| l.strip_prefix(&format!("{name} "))).unwrap();
            line.parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1_000_000.0);
        assert!(value("process_start_time_seconds") > 1_000_000_000.0);
        assert!(value("process_open_fds") >= 3.0);
    }
}
