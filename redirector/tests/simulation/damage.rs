//! Bytes of segments change behind everyone's back, and which frames that hits is written down.

use crate::chance::{below, word};
use crate::oracle::Known;
use journal::storage::{FakeStorage, Storage, read_file};
use journal::{StreamId, frame, segment};
use std::collections::BTreeMap;

/// Longer than any segment of a simulation.
const LIMIT: usize = 1 << 20;

/// Damages a random place of a random segment.
pub(crate) fn strike(disk: &FakeStorage, known: &mut BTreeMap<StreamId, Known>) {
    let files: Vec<String> = disk.list().unwrap().into_iter().map(|entry| entry.name).collect();
    let segments: Vec<&String> = files.iter().filter(|name| segment::parse_name(name).is_some()).collect();
    if segments.is_empty() {
        return;
    }
    let name = segments[usize::try_from(below(segments.len() as u64)).unwrap()];
    let bytes = read_file(disk, name, LIMIT).unwrap().unwrap();
    let Some(header) = segment::Header::decode(&bytes) else { return };
    let seed = frame::Seed::new(header.salt, header.stream, header.number);
    let body = usize::try_from(segment::HEADER_BYTES).unwrap();
    let mut frames = Vec::new();
    let mut at = body;
    while let segment::Found::Frame { start, frame } =
        segment::find(&bytes[body..], at - body, segment::HEADER_BYTES, header.stream, seed)
    {
        let end = body + start + frame::size(frame.payload.len());
        frames.push((frame.sequence, body + start..end));
        at = end;
    }
    let Some((_, last)) = frames.last() else { return };
    let from = body + usize::try_from(below((last.end - body) as u64)).unwrap();
    let len = [1, 64, 512, 4096][usize::try_from(below(4)).unwrap()];
    let hit = from..(from + len).min(last.end);
    let known = known.get_mut(&header.stream).unwrap();
    let struck = frames.iter().filter(|(_, place)| place.start < hit.end && hit.start < place.end);
    known.damaged.extend(struck.map(|(sequence, _)| *sequence));
    let garbage = word().to_le_bytes();
    disk.damage(name, |bytes| {
        for (i, byte) in bytes[hit].iter_mut().enumerate() {
            *byte ^= garbage[i % 8] | 1;
        }
    })
    .unwrap();
}
