//! The table on disk, so that an edge restarts with the core absent.
//!
//! Layout, little-endian: `YKTABLE1`, layout version u32, sections u32, generation u64, heard-at i64, length of the
//! small tables u64, id of the history that gave the generation u64, fingerprint of the check key u32, zero u32, CRC-32
//! of these 56 bytes; the small tables as JSON changes, their CRC-32; then per section (one per sixty-fourth of the
//! codes' hashes, the overlay last) link count u32, CRC-32 of the links, the links of 24 bytes each; `YKEND.`
//!
//! Older layouts load. Version 2 had no fingerprint; version 1 no history either: its edge serves from it and loads
//! everything anew once the core is heard.
//!
//! A save writes beside, syncs, and renames; the one before is kept. A file that does not check out is set aside
//! under another name and said so; the previous one, or an empty table and the change feed, take its place.

use super::overlay::Links;
use super::slot::{SLOT_LEN, Slot};
use super::{Small, Table};
use attribution_core::catalogue::Change;
use attribution_core::history::{FeedPosition, HistoryId};
use attribution_core::time::Instant;
use attribution_core::with_causes;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"YKTABLE1";
const END: &[u8; 6] = b"YKEND.";
const LAYOUT_VERSION: u32 = 3;
/// Length of the head in each layout, the oldest first.
const HEAD_LENS: [usize; LAYOUT_VERSION as usize] = [40, 48, HEAD_LEN];
const HEAD_LEN: usize = 56;
const CURRENT: &str = "table.snapshot";
const PREVIOUS: &str = "table.previous";
const SMALL_MAX: u64 = 1 << 30;
/// Sections of the base's links: 2^6 parts of their codes' hashes, however many shards the base has.
const SECTION_BITS: u32 = 6;
const SECTIONS: usize = 1 << SECTION_BITS;

/// Why a file is not a snapshot that can be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It could not be read, or ends too early.
    #[error("cannot be read to its end")]
    Io(#[from] io::Error),
    /// Not a snapshot of a known layout.
    #[error("not a table snapshot of a known layout")]
    Layout,
    /// A checksum does not match.
    #[error("the checksum of {0} does not match")]
    Checksum(&'static str),
    /// The small tables do not read.
    #[error("the small tables do not read")]
    Small(#[from] serde_json::Error),
    /// A slot that holds no link, or a length out of range.
    #[error("{0} is out of range")]
    Range(&'static str),
}

/// Why a table could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Writing, syncing or renaming failed.
    #[error("the table's snapshot could not be written")]
    Io(#[from] io::Error),
    /// A row could not be turned into JSON.
    #[error("the small tables could not be written")]
    Small(#[from] serde_json::Error),
    /// More links in one section than it can count.
    #[error("too many links in one section")]
    TooMany,
}

/// Where a loaded table came from.
#[derive(Debug)]
pub enum Source {
    /// There was no snapshot: the feed starts from the beginning.
    Nothing,
    /// The last one saved.
    Current,
    /// The one before it.
    Previous,
}

/// What a load found.
#[derive(Debug)]
pub struct Loaded {
    /// The table; empty if there was nothing usable.
    pub table: Table,
    /// Where it came from.
    pub source: Source,
    /// The key of the check character that its codes were made with, by its fingerprint, if that was saved.
    pub check_key: Option<u32>,
    /// Files that were set aside, under their new names, and why.
    pub quarantined: Vec<(PathBuf, LoadError)>,
}

/// Loads the newest usable snapshot of `dir`. `stamp` makes the names of files set aside unique.
pub fn load(dir: &Path, secure: bool, stamp: i64) -> Loaded {
    let mut quarantined = Vec::new();
    for (name, source) in [(CURRENT, Source::Current), (PREVIOUS, Source::Previous)] {
        let path = dir.join(name);
        match read(&path, secure) {
            Ok((table, check_key)) => return Loaded { table, source, check_key, quarantined },
            Err(LoadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let aside = dir.join(format!("{name}.corrupt-{stamp}"));
                let why = with_causes(&error);
                tracing::error!(error = why, file = %path.display(), aside = %aside.display(),
                    "a table snapshot is corrupt and is set aside");
                if let Err(error) = fs::rename(&path, &aside) {
                    tracing::error!(%error, file = %path.display(), "the corrupt snapshot could not be renamed");
                }
                quarantined.push((aside, error));
            }
        }
    }
    Loaded { table: Table::new(secure), source: Source::Nothing, check_key: None, quarantined }
}

fn read(path: &Path, secure: bool) -> Result<(Table, Option<u32>), LoadError> {
    read_from(BufReader::with_capacity(1 << 20, File::open(path)?), secure)
}

pub(crate) fn read_from(mut input: impl Read, secure: bool) -> Result<(Table, Option<u32>), LoadError> {
    // What an older layout does not have stays zero, which is none.
    let mut head = [0; HEAD_LEN];
    let (common, newer) = head.split_at_mut(HEAD_LENS[0]);
    input.read_exact(common)?;
    if common[..8] != *MAGIC {
        return Err(LoadError::Layout);
    }
    let older = (u32_of(common, 8) as usize).checked_sub(1);
    let len = *older.and_then(|older| HEAD_LENS.get(older)).ok_or(LoadError::Layout)?;
    input.read_exact(&mut newer[..len - HEAD_LENS[0]])?;
    let crc = read_u32(&mut input)?;
    check(crc, &head[..len], "the head")?;
    let u64_at = |at| u64_of(&head, at);
    if u32_of(&head, 12) as usize != SECTIONS + 1 {
        return Err(LoadError::Layout);
    }
    let small_len = usize::try_from(u64_at(32)).map_err(|_| LoadError::Range("a length"))?;
    if small_len as u64 > SMALL_MAX {
        return Err(LoadError::Range("the length of the small tables"));
    }
    let table = Table::new(secure);
    let bytes = read_checked(&mut input, small_len, "the small tables")?;
    let mut small = None;
    for change in serde_json::from_slice::<Vec<Change>>(&bytes)? {
        table.put(0, &change, &mut small);
    }
    if let Some(small) = small {
        table.small.store(small.into());
    }
    for _ in 0..=SECTIONS {
        read_section(&mut input, &table.small.load().links)?;
    }
    let mut end = [0; END.len()];
    input.read_exact(&mut end)?;
    if end != *END {
        return Err(LoadError::Layout);
    }
    table.set_position(FeedPosition { history: HistoryId::new(u64_at(40)), number: u64_at(16) });
    table.note_heard(Instant(u64_at(24).cast_signed()));
    let check_key = (len == HEAD_LEN).then(|| u32_of(&head, 48));
    Ok((table, check_key))
}

fn read_section(input: &mut impl Read, links: &Links) -> Result<(), LoadError> {
    let count = read_u32(input)? as usize;
    let crc = read_u32(input)?;
    let bytes = read_exactly(input, count * SLOT_LEN)?;
    check(crc, &bytes, "a section of links")?;
    let slots = bytes.as_chunks::<SLOT_LEN>().0.iter().map(Slot::from_bytes);
    let mut slots: Vec<Slot> = slots.collect::<Option<_>>().ok_or(LoadError::Range("a link"))?;
    links.load_slots(&mut slots);
    Ok(())
}

/// Reads without trusting the length: a corrupt one must not make us allocate.
fn read_exactly(input: &mut impl Read, len: usize) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    input.take(len as u64).read_to_end(&mut bytes)?;
    if bytes.len() == len { Ok(bytes) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
}

fn read_checked(input: &mut impl Read, len: usize, what: &'static str) -> Result<Vec<u8>, LoadError> {
    let bytes = read_exactly(input, len)?;
    check(read_u32(input)?, &bytes, what)?;
    Ok(bytes)
}

fn read_u32(input: &mut impl Read) -> Result<u32, LoadError> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn check(crc: u32, bytes: &[u8], what: &'static str) -> Result<(), LoadError> {
    if crc32fast::hash(bytes) == crc { Ok(()) } else { Err(LoadError::Checksum(what)) }
}

fn u32_of(head: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn u64_of(head: &[u8], at: usize) -> u64 {
    u64::from(u32_of(head, at)) | (u64::from(u32_of(head, at + 4)) << 32)
}

/// Saves the table into `dir`, beside the previous snapshot, and returns the generation saved. Changes that are
/// applied meanwhile may or may not be in it; the feed brings them again. `check_key` is the fingerprint of the key that
/// the edge checks codes with.
///
/// # Errors
/// If the disk refuses; the snapshots that were there stay usable.
pub fn save(dir: &Path, table: &Table, check_key: u32) -> Result<u64, SaveError> {
    let (new, current) = (dir.join("table.new"), dir.join(CURRENT));
    // The position before the rows: a row may be newer than the position says, never older.
    let position = table.position();
    // What did not get whole would take the room on a full disk that the journal needs.
    write_new(&new, table, position, check_key).inspect_err(|_| drop(fs::remove_file(&new)))?;
    if current.exists() {
        fs::rename(&current, dir.join(PREVIOUS))?;
    }
    fs::rename(&new, &current)?;
    File::open(dir)?.sync_all()?;
    Ok(position.number)
}

fn write_new(new: &Path, table: &Table, position: FeedPosition, check_key: u32) -> Result<(), SaveError> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(new)?);
    write(&mut out, table, position, check_key)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

pub(crate) fn write(
    out: &mut impl Write,
    table: &Table,
    position: FeedPosition,
    check_key: u32,
) -> Result<(), SaveError> {
    let view = table.small.load_full();
    let small = serde_json::to_vec(&small_rows(&view))?;
    let mut head = Vec::with_capacity(HEAD_LEN);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
    head.extend_from_slice(&u32::try_from(SECTIONS + 1).map_err(|_| SaveError::TooMany)?.to_le_bytes());
    head.extend_from_slice(&position.number.to_le_bytes());
    head.extend_from_slice(&table.heard_at().millis().to_le_bytes());
    head.extend_from_slice(&(small.len() as u64).to_le_bytes());
    head.extend_from_slice(&position.history.map_or(0, HistoryId::get).to_le_bytes());
    head.extend_from_slice(&check_key.to_le_bytes());
    head.extend_from_slice(&[0; 4]);
    out.write_all(&head)?;
    out.write_all(&crc32fast::hash(&head).to_le_bytes())?;
    out.write_all(&small)?;
    out.write_all(&crc32fast::hash(&small).to_le_bytes())?;
    // The overlay is copied first and written last: a row that a merge moves meanwhile is met at least once.
    let recent = view.links.recent();
    for section in 0..SECTIONS {
        write_section(out, &view.links.base_part(section, SECTION_BITS))?;
    }
    write_section(out, &recent)?;
    out.write_all(END)?;
    Ok(())
}

/// The snapshot of small tables and links that are given as they would stand in one, with sound lengths and checksums.
pub(crate) fn sealed(small: &[u8], links: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| crc32fast::hash(bytes).to_le_bytes();
    let length = |length| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut head = Vec::with_capacity(HEAD_LEN);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
    head.extend_from_slice(&length(SECTIONS + 1));
    head.extend_from_slice(&[0; 16]);
    head.extend_from_slice(&(small.len() as u64).to_le_bytes());
    head.resize(HEAD_LEN, 0);
    let mut out = [&head, &crc(&head)[..], small, &crc(small)].concat();
    let links = &links[..links.len() - links.len() % SLOT_LEN];
    for section in 0..=SECTIONS {
        let links = if section == 0 { links } else { &[] };
        out.extend_from_slice(&[length(links.len() / SLOT_LEN), crc(links)].concat());
        out.extend_from_slice(links);
    }
    out.extend_from_slice(END);
    out
}

fn write_section(out: &mut impl Write, slots: &[Slot]) -> Result<(), SaveError> {
    let mut bytes = Vec::with_capacity(slots.len() * SLOT_LEN);
    for slot in slots {
        bytes.extend_from_slice(&slot.to_bytes());
    }
    out.write_all(&u32::try_from(slots.len()).map_err(|_| SaveError::TooMany)?.to_le_bytes())?;
    out.write_all(&crc32fast::hash(&bytes).to_le_bytes())?;
    out.write_all(&bytes)?;
    Ok(())
}

fn small_rows(small: &Small) -> Vec<Change> {
    let mut rows: Vec<Change> = small.programmes.iter().map(|p| Change::Programme(p.row.clone())).collect();
    rows.extend(small.targets.iter().map(|target| Change::Target(target.row.clone())));
    rows.extend(small.promoters.iter().map(|row| Change::Promoter(*row)));
    rows.extend(small.placements.iter().map(|row| Change::Placement(*row)));
    rows.extend(small.bans.values().flatten().map(|row| Change::Ban(*row)));
    rows.extend(Table::alias_rows(small));
    rows
}
