//! A file as rows: CSV with a header, or one JSON object per line. Both give rows of named cells with their place.

use super::fault::{Fault, clip};
use super::records::{Record, Records};
use serde_json::Value;
use std::collections::BTreeMap;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FileFormat {
    /// Comma-separated, UTF-8, with a header
    Csv,
    /// One JSON object per line
    Jsonl,
}

impl FileFormat {
    /// By the file's extension: `.jsonl`, `.ndjson` and `.json` are JSON lines, all else is CSV.
    pub(crate) fn of(path: &std::path::Path) -> Self {
        match path.extension().and_then(|e| e.to_str()) {
            Some("jsonl" | "ndjson" | "json") => Self::Jsonl,
            _ => Self::Csv,
        }
    }
}

/// One cell and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// Column from one; none in JSON lines, where the name says it.
    pub(super) column: Option<usize>,
    /// Text in CSV; anything in JSON.
    pub(super) value: Value,
}

/// One row. Empty cells are left out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Line in the file, from one.
    pub(super) line: u64,
    /// By column name.
    pub(super) cells: BTreeMap<String, Cell>,
}

/// Reads the whole file. `columns` are the known names; an unknown one is a fault.
pub(super) fn read(bytes: &[u8], format: FileFormat, columns: &[&str]) -> (Vec<Row>, Vec<Fault>) {
    match format {
        FileFormat::Csv => read_csv(bytes, columns),
        FileFormat::Jsonl => read_json_lines(bytes, columns),
    }
}

fn read_csv(bytes: &[u8], columns: &[&str]) -> (Vec<Row>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    let mut records = Records::of(bytes);
    let Some(header) = records.next() else { return (rows, faults) };
    if let Some((column, why)) = header.fault {
        let last = header.last;
        return (rows, vec![Fault { column: Some(column), last, ..Fault::row(1, why) }]);
    }
    let header: Vec<String> = header.cells.iter().map(|name| name_of(name)).collect();
    for (index, name) in header.iter().enumerate() {
        let fault = |why| Fault { column: Some(index + 1), field: name.clone(), ..Fault::row(1, why) };
        if !columns.contains(&name.as_str()) {
            faults.push(fault(format!("unknown column; known are {}", columns.join(", "))));
        } else if header[..index].contains(name) {
            faults.push(fault("this column stands here twice".to_owned()));
        }
    }
    for record in records {
        let Record { line, last, cells: found, fault } = record;
        if let Some((column, why)) = fault {
            let field = header.get(column - 1).cloned().unwrap_or_default();
            faults.push(Fault { column: Some(column), field, last, ..Fault::row(line, why) });
            continue;
        }
        if found.len() != header.len() {
            let why = format!("this row has {} cells, the header has {}", found.len(), header.len());
            faults.push(Fault::row(line, why));
            continue;
        }
        let mut cells = BTreeMap::new();
        let mut whole = true;
        for (index, (name, cell)) in header.iter().zip(&found).enumerate() {
            let why = match std::str::from_utf8(cell) {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) if !breaks(text) => {
                    let value = Value::String(text.trim().to_owned());
                    cells.insert(name.clone(), Cell { column: Some(index + 1), value });
                    continue;
                }
                Ok(_) => BREAKS,
                Err(_) => "not UTF-8; save the file as UTF-8",
            };
            whole = false;
            let value = clip(&String::from_utf8_lossy(cell));
            let field = name.clone();
            faults.push(Fault { column: Some(index + 1), field, value, ..Fault::row(line, why.to_owned()) });
        }
        if whole {
            rows.push(Row { line, cells });
        }
    }
    (rows, faults)
}

fn name_of(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).trim().to_owned()
}

const BREAKS: &str = "a line break or control character stands in this cell";

/// Whether a cell holds what no id, name or number has. Tabs around it are left by exports that keep digits as text.
fn breaks(text: &str) -> bool {
    let inner = text.trim_matches([' ', '\t']);
    inner.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Faults for needed columns that a CSV header lacks; JSON lines have no header.
pub(super) fn missing_columns(bytes: &[u8], format: FileFormat, needed: &[&str]) -> Vec<Fault> {
    if format != FileFormat::Csv {
        return Vec::new();
    }
    let header = Records::of(bytes).next();
    if header.as_ref().is_some_and(|h| h.fault.is_some()) {
        return Vec::new();
    }
    let names: Vec<String> = header.iter().flat_map(|h| &h.cells).map(|name| name_of(name)).collect();
    let lacks = |name: &&&str| !names.iter().any(|have| have == **name);
    needed.iter().filter(lacks).map(|name| Fault::row(1, format!("the column {name} is missing"))).collect()
}

fn read_json_lines(bytes: &[u8], columns: &[&str]) -> (Vec<Row>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    for (line, text) in (1u64..).zip(bytes.split(|b| *b == b'\n')) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let object: serde_json::Map<String, Value> = match serde_json::from_slice(text) {
            Ok(object) => object,
            Err(error) => {
                let column = Some(error.column()).filter(|c| *c > 0);
                let why = format!("not a JSON object: {error}");
                faults.push(Fault { column, ..Fault::row(line, why) });
                continue;
            }
        };
        let unknown: Vec<&String> = object.keys().filter(|k| !columns.contains(&k.as_str())).collect();
        if !unknown.is_empty() {
            faults.extend(unknown.into_iter().map(|key| Fault {
                field: key.clone(),
                ..Fault::row(line, format!("unknown key; known are {}", columns.join(", ")))
            }));
            continue;
        }
        let broken = |(key, value): (&String, &Value)| {
            let text = value.as_str().filter(|text| breaks(text))?;
            let (field, value) = (key.clone(), clip(text));
            Some(Fault { field, value, ..Fault::row(line, BREAKS.to_owned()) })
        };
        let known = faults.len();
        faults.extend(object.iter().filter_map(broken));
        if faults.len() > known {
            continue;
        }
        let cells = object
            .into_iter()
            .filter(|(_, value)| !value.is_null() && value.as_str().is_none_or(|t| !t.trim().is_empty()))
            .map(|(key, value)| (key, Cell { column: None, value }))
            .collect();
        rows.push(Row { line, cells });
    }
    (rows, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &[u8], format: FileFormat) -> Vec<String> {
        read(text, format, &["id", "name"]).1.iter().map(|f| f.at("f").to_string()).collect()
    }

    #[test]
    fn both_formats_give_the_same_rows() {
        let csv = "\u{feff}id,name\r\na,保温杯\r\n\"b\",\"x, \"\"y\"\"\"\r\nc,\r\n";
        let json = "{\"id\":\"a\",\"name\":\"保温杯\"}\n\n{\"id\":\"b\",\"name\":\"x, \\\"y\\\"\"}\n{\"id\":\"c\",\"name\":null}";
        let plain = |rows: Vec<Row>| -> Vec<Vec<(String, Value)>> {
            rows.into_iter().map(|r| r.cells.into_iter().map(|(k, c)| (k, c.value)).collect()).collect()
        };
        let (a, no_faults) = read(csv.as_bytes(), FileFormat::Csv, &["id", "name"]);
        assert_eq!(no_faults, []);
        assert_eq!(a.iter().map(|r| r.line).collect::<Vec<_>>(), [2, 3, 4]);
        let (b, no_faults) = read(json.as_bytes(), FileFormat::Jsonl, &["id", "name"]);
        assert_eq!(no_faults, []);
        assert_eq!(plain(a), plain(b));
    }

    #[test]
    fn broken_files_say_where() {
        let rows: [(&[u8], FileFormat, &str); 12] = [
            (b"id,nam\na,b\n", FileFormat::Csv, "f:1:2: nam: unknown column; known are id, name"),
            (b"id,id\na,b\n", FileFormat::Csv, "f:1:2: id: this column stands here twice"),
            (b"id,name\na\n", FileFormat::Csv, "f:2: this row has 1 cells, the header has 2"),
            (
                b"id,name\na,\xb1\xa3\n",
                FileFormat::Csv,
                "f:2:2: name \"\u{fffd}\u{fffd}\": not UTF-8; save the file as UTF-8",
            ),
            (
                b"id,name\na,\"x\nb,y\n",
                FileFormat::Csv,
                "f:2:2: name: a quote opened in line 2, column 2 is never closed",
            ),
            (b"id,name\na,x\"y\nb,y\n", FileFormat::Csv, "f:2:2: name: a stray quote"),
            (
                b"id,name\na,\"x\ny\"\n",
                FileFormat::Csv,
                "f:2:2: name: a quote opened in line 2, column 2 spans lines 2 to 3",
            ),
            (
                b"id,name\na,x\x07y\n",
                FileFormat::Csv,
                "f:2:2: name \"x y\": a line break or control character",
            ),
            (
                b"id,\"name\na,x\n",
                FileFormat::Csv,
                "f:1:2: a quote opened in line 1, column 2 is never closed",
            ),
            (b"{\"id\":\"a\\nb\"}", FileFormat::Jsonl, "f:1: id \"a b\": a line break or control character"),
            (b"\n[1]\n", FileFormat::Jsonl, "f:2: not a JSON object"),
            (b"{\"idd\":1}", FileFormat::Jsonl, "f:1: idd: unknown key; known are id, name"),
        ];
        for (text, format, expected) in rows {
            let found = faults(text, format);
            assert!(found[0].starts_with(expected), "{found:?}");
        }
    }
}
