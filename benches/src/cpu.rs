//! Processor time of whole processes, from the scheduler's own books: the figure that survives a busy machine.

use std::fs;
use std::io;

/// Nanoseconds that all threads of these processes have run so far. Threads that ended are not counted, so the
/// servers under test must keep theirs.
///
/// # Errors
/// If a process is gone or the kernel keeps no schedstat.
pub fn nanoseconds(processes: &[u32]) -> io::Result<u64> {
    let mut sum = 0;
    for process in processes {
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let ran = text.split_ascii_whitespace().next().and_then(|word| word.parse::<u64>().ok());
            sum +=
                ran.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "schedstat has no figure"))?;
        }
    }
    Ok(sum)
}
