//! The archive format from which Linux unpacks its first file system ("newc"), as much of it as a few files need.

use std::io::{self, Write};

/// The mode bits of a program and of a folder.
pub(super) const PROGRAM: u32 = 0o100_755;
pub(super) const FOLDER: u32 = 0o040_755;

/// Writes an archive.
pub(super) struct Archive<W> {
    out: W,
    entries: u32,
}

impl<W: Write> Archive<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, entries: 0 }
    }

    /// Adds a file or folder.
    pub(super) fn add(&mut self, name: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.entries += 1;
        let len = u32::try_from(content.len()).map_err(io::Error::other)?;
        let name_len = u32::try_from(name.len() + 1).map_err(io::Error::other)?;
        // inode, mode, owner, group, links, time, length, four device numbers, length of the name, no checksum
        let fields = [self.entries, mode, 0, 0, 1, 0, len, 0, 0, 0, 0, name_len, 0];
        let mut head = b"070701".to_vec();
        for field in fields {
            write!(head, "{field:08x}")?;
        }
        head.extend_from_slice(name.as_bytes());
        head.push(0);
        self.padded(&head)?;
        self.padded(content)
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.add("TRAILER!!!", 0, &[])?;
        self.out.flush()
    }

    fn padded(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.write_all(&[0; 3][..bytes.len().next_multiple_of(4) - bytes.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_head_a_name_and_the_content_each_padded() {
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes);
        archive.add("init", PROGRAM, b"12345").unwrap();
        archive.finish().unwrap();
        assert!(bytes.starts_with(b"07070100000001000081ed"));
        assert_eq!(&bytes[110..115], b"init\0");
        assert_eq!(&bytes[116..121], b"12345");
        assert_eq!(&bytes[124..130], b"070701");
        assert!(bytes.len().is_multiple_of(4));
    }
}
