//! A CSV file of order events: the same columns as the command line's import, read whole before anything is taken in.
//!
//! One row per event; an order of several lines takes several rows that stand together and differ only in `line`,
//! `product`, `amount_fen` and `quantity`. Times without an offset are Asia/Shanghai.

use crate::api::ApiTime;
use crate::order_events::OrderEvent;
use attribution_core::time::Instant;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Events of a file at most: a request ends after half a minute. Larger files go in with the command line.
pub(super) const ROWS_MAX: usize = 10_000;
/// Mistakes that are listed; whoever has more has one of them everywhere.
const FAULTS_MAX: usize = 100;

/// A column of a file to import.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name, in the first line of the file.
    pub name: &'static str,
    /// Whether it must be filled.
    pub required: bool,
    /// What it means.
    pub about: &'static str,
}

/// A column, in the order of its fields: a table of them reads like the manual's.
pub const fn column(name: &'static str, required: bool, about: &'static str) -> Column {
    Column { name, required, about }
}

/// The columns, for the command line too.
pub const COLUMNS: &[Column] = &[
    column(
        "type",
        true,
        "`created`, `paid`, `shipped`, `completed`, `refund_asked`, `refund_refused`, `refunded` or `closed`",
    ),
    column("platform", true, "The platform that numbers orders and buyers"),
    column("order", true, "The order's number"),
    column("at", true, "When it happened"),
    column("merchant", false, "created: the shop"),
    column("buyer", false, "created: the buyer's account"),
    column(
        "payment_method",
        false,
        "created, paid: `wechat_own`, `wechat_consignment`, `bank_card`, `alipay`, `cash_on_delivery` or `other`",
    ),
    column("click_tokens", false, "created: the click tokens the shop kept, separated by blanks"),
    column("channel", false, "created: the channel the order names"),
    column("distributor", false, "created: the distributor the order names"),
    column("coupon", false, "created: an exclusive coupon's code"),
    column("refund_id", false, "refunded, refund_asked, refund_refused: the refund's own number"),
    column("parcel", false, "shipped: the parcel's own number, where there are several"),
    column("line", false, "created, refunded, paid: the line (default `1` in created)"),
    column("product", false, "created: what was bought"),
    column("amount_fen", false, "created, refunded, paid: goods amount of the line in fen, freight excluded"),
    column("quantity", false, "created: pieces (default 1)"),
    column("updated_at", false, "When the platform last touched its own row; not compared"),
];

/// What may differ between the rows of one event.
const OF_LINE: [&str; 4] = ["line", "product", "amount_fen", "quantity"];

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Fault {
    /// Which line of the file, from 1.
    pub(super) line: u64,
    /// Which column, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<String>,
    /// What is wrong.
    pub(super) reason: String,
}

/// An event of a file, and the line where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileEvent {
    pub(super) line: u64,
    pub(super) value: Value,
}

/// Reads a file; all its mistakes at once.
pub(super) fn read(text: &str) -> Result<Vec<FileEvent>, Vec<Fault>> {
    // The reader counts lines by one of the two characters that end them in files of some systems, and is late by one then.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let columns = header(&mut reader)?;
    let mut faults = Vec::new();
    let mut events: Vec<(FileEvent, Vec<String>)> = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.push(Fault { line, column: None, reason: error.to_string() });
                continue;
            }
        };
        let row = Row { columns: &columns, record: &record };
        if events.len() == ROWS_MAX {
            faults.push(row.fault(None, format!("at most {ROWS_MAX} events in one file")));
            break;
        }
        let same = row.without_lines();
        match row.event() {
            Err(mistakes) => faults.extend(mistakes),
            Ok(mut value) => match events.last_mut() {
                Some((before, others)) if *others == same => {
                    let more = value.get_mut("lines").and_then(Value::as_array_mut).map(std::mem::take);
                    if let Some(lines) = before.value.get_mut("lines").and_then(Value::as_array_mut) {
                        lines.extend(more.unwrap_or_default());
                    }
                }
                _ => events.push((FileEvent { line: row.line(), value }, same)),
            },
        }
    }
    for (event, _) in &events {
        if let Err(error) = OrderEvent::read(&event.value) {
            let pointer = error.pointer();
            let field = pointer.rsplit('/').next().unwrap_or_default();
            let column = COLUMNS.iter().find(|column| column.name == field);
            let column = column.map(|column| column.name.to_owned());
            faults.push(Fault { line: event.line, column, reason: error.to_string() });
        }
    }
    if events.is_empty() && faults.is_empty() {
        faults.push(Fault { line: 1, column: None, reason: "the file holds no events".into() });
    }
    if faults.is_empty() {
        return Ok(events.into_iter().map(|(event, _)| event).collect());
    }
    faults.sort_by_key(|fault| fault.line);
    faults.truncate(FAULTS_MAX);
    Err(faults)
}

fn header(reader: &mut csv::Reader<&[u8]>) -> Result<Vec<String>, Vec<Fault>> {
    let at = |column: Option<&str>, reason: String| {
        vec![Fault { line: 1, column: column.map(str::to_owned), reason }]
    };
    let header = reader.headers().map_err(|error| at(None, error.to_string()))?;
    let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    for (position, name) in columns.iter().enumerate() {
        if !COLUMNS.iter().any(|column| column.name == name) {
            let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
            return Err(at(Some(name), format!("no such column; there are: {}", names.join(", "))));
        }
        if columns[..position].contains(name) {
            return Err(at(Some(name), "stands there twice".into()));
        }
    }
    for Column { name, .. } in required() {
        if !columns.iter().any(|there| there == name) {
            return Err(at(Some(name), "is missing".into()));
        }
    }
    Ok(columns)
}

fn required() -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(|column| column.required)
}

struct Row<'r> {
    columns: &'r [String],
    record: &'r csv::StringRecord,
}

impl Row<'_> {
    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    fn fault(&self, column: Option<&str>, reason: impl Into<String>) -> Fault {
        Fault { line: self.line(), column: column.map(str::to_owned), reason: reason.into() }
    }

    /// A cell; empty ones are not given.
    fn cell(&self, name: &str) -> Option<&str> {
        let position = self.columns.iter().position(|column| column == name)?;
        self.record.get(position).map(str::trim).filter(|cell| !cell.is_empty())
    }

    fn without_lines(&self) -> Vec<String> {
        let cells = self.columns.iter().zip(self.record.iter());
        cells
            .filter(|(name, _)| !OF_LINE.contains(&name.as_str()))
            .map(|(_, cell)| cell.trim().to_owned())
            .collect()
    }

    fn event(&self) -> Result<Value, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut event = Map::new();
        for name in [
            "type",
            "platform",
            "order",
            "merchant",
            "buyer",
            "payment_method",
            "coupon",
            "refund_id",
            "parcel",
        ] {
            if let Some(cell) = self.cell(name) {
                event.insert(name.to_owned(), cell.into());
            }
        }
        for Column { name, .. } in required() {
            if self.cell(name).is_none() {
                faults.push(self.fault(Some(name), "is needed"));
            }
        }
        for name in ["at", "updated_at"] {
            match self.cell(name).map(time) {
                None => {}
                Some(Some(at)) => drop(event.insert(name.to_owned(), at.millis().into())),
                Some(None) => faults.push(self.fault(Some(name), "is no time such as 2026-11-11 20:00:00")),
            }
        }
        if let Some(tokens) = self.cell("click_tokens") {
            event.insert("click_tokens".into(), tokens.split_whitespace().collect());
        }
        let declared: Map<String, Value> = ["channel", "distributor"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.cell(name)?.into())))
            .collect();
        if !declared.is_empty() {
            event.insert("declared".into(), declared.into());
        }
        if OF_LINE.iter().any(|name| self.cell(name).is_some()) {
            let mut line = Map::from_iter([("line".to_owned(), json!(self.cell("line").unwrap_or("1")))]);
            if let Some(product) = self.cell("product") {
                line.insert("product".into(), product.into());
            }
            for name in ["amount_fen", "quantity"] {
                match self.cell(name).map(str::parse::<i64>) {
                    None => {}
                    Some(Ok(number)) => drop(line.insert(name.to_owned(), number.into())),
                    Some(Err(_)) => faults.push(self.fault(Some(name), "is no whole number")),
                }
            }
            event.insert("lines".into(), json!([line]));
        }
        if faults.is_empty() { Ok(event.into()) } else { Err(faults) }
    }
}

/// RFC 3339 or milliseconds; without an offset it is Asia/Shanghai.
fn time(text: &str) -> Option<Instant> {
    text.parse().map_or_else(|_| Instant::read(text), |at: ApiTime| Some(at.instant()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_stand_together_are_one_event() {
        let text = "\u{feff}type,platform,order,at,merchant,buyer,line,product,amount_fen,quantity,click_tokens\n\
                    created,p1,o1,2026-11-11 20:00:00,m1,u1,1,cup,8900,2,v1.a.b.c v1.d.e.f\n\
                    created,p1,o1,2026-11-11 20:00:00,m1,u1,2,tea,100,,v1.a.b.c v1.d.e.f\n\
                    paid,p1,o1,2026-11-11T12:00:01Z,,,,,,,\n";
        let events = read(text).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(
            events[0].value,
            json!({"type": "created", "platform": "p1", "order": "o1", "at": 1_794_398_400_000_i64, "merchant": "m1",
                "buyer": "u1", "click_tokens": ["v1.a.b.c", "v1.d.e.f"], "lines": [
                    {"line": "1", "product": "cup", "amount_fen": 8_900, "quantity": 2},
                    {"line": "2", "product": "tea", "amount_fen": 100}]})
        );
        assert_eq!((events[1].line, &events[1].value["at"]), (4, &json!(1_794_398_401_000_i64)));
    }

    #[test]
    fn all_mistakes_are_told_with_their_places() {
        let faults = |text: &str| {
            let found = read(text).unwrap_err();
            found
                .iter()
                .map(|f| format!("{} {} {}", f.line, f.column.as_deref().unwrap_or("-"), f.reason))
                .collect::<Vec<_>>()
        };
        assert_eq!(faults("type,platform,order\n"), ["1 at is missing"]);
        assert!(faults("type,platform,order,at,price\n")[0].starts_with("1 price no such column"));
        assert_eq!(faults("type,platform,order,at\n"), ["1 - the file holds no events"]);
        let text = "type,platform,order,at,amount_fen\npaid,p1,o1,soon,\nshipped,p1,,2026-11-11,\npaid,p1,o1,1794398400000,1.5\neaten,p1,o1,1794398400000,\n";
        let found = faults(text);
        assert_eq!(faults(&text.replace('\n', "\r\n")), found, "whatever ends a line");
        assert_eq!(found[0], "2 at is no time such as 2026-11-11 20:00:00");
        assert_eq!(found[1], "3 order is needed");
        assert_eq!(found[2], "4 amount_fen is no whole number");
        assert!(found[3].starts_with("5 type unknown variant `eaten`"), "{found:?}");
    }
}
