//! SQLite's planner, told what large tables look like: what is asked for by a number or a device is not looked for among
//! everything of one kind or platform.

use super::young;

/// How a young database would run this.
fn plan_of(sql: &str) -> String {
    let (_dir, db) = young::database();
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // Nothing is bound: nothing is run.
    let mut rows = statement.raw_query();
    let mut steps: Vec<String> = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps.join("\n")
}

#[test]
fn logins_of_devices_are_found_by_device() {
    let plan = plan_of(
        "SELECT visitor, at_ms, buyer, told_by FROM identities WHERE platform = 'p1' AND visitor IN (\
         SELECT visitor FROM identities WHERE platform = 'p1' AND buyer = 'b1')",
    );
    assert!(plan.contains("SEARCH identities USING PRIMARY KEY (visitor=?)"), "{plan}");
    assert!(plan.contains("identities_buyer (platform=? AND buyer=?)"), "{plan}");
}

#[test]
fn products_of_a_page_are_found_by_number() {
    let list = vec!["?"; 512].join(", ");
    let plan = plan_of(&format!("SELECT title FROM targets WHERE kind = 'product' AND num IN ({list})"));
    assert_eq!(plan, "SEARCH targets USING INTEGER PRIMARY KEY (rowid=?)");
}

#[test]
fn products_are_passed_in_the_order_of_their_numbers() {
    let plan = plan_of("SELECT num FROM targets WHERE kind = 'product' AND num > ? ORDER BY num LIMIT 8192");
    assert_eq!(plan, "SEARCH targets USING INTEGER PRIMARY KEY (rowid>?)");
}

#[test]
fn periods_of_many_are_found_one_by_one() {
    let list = vec!["?"; 512].join(", ");
    let plan = plan_of(&format!(
        "SELECT num, from_ms, to_ms FROM periods WHERE kind = 'target' AND what = 'cancelled' AND scope = 0 \
         AND num IN ({list}) ORDER BY num, from_ms"
    ));
    assert!(plan.contains("(kind=? AND num=? AND what=? AND scope=?)"), "{plan}");
}

#[test]
fn enrolments_are_found_in_the_order_of_their_list() {
    for (only, index) in [
        ("", "enrolments_in_order (submitted_ms<?)"),
        (" AND state = 'auditing'", "enrolments_to_audit (submitted_ms<?)"),
        (" AND merchant = ?", "enrolments_of_merchant (merchant=? AND submitted_ms<?)"),
    ] {
        let plan = plan_of(&format!(
            "SELECT product FROM enrolments WHERE submitted_ms <= ? AND (submitted_ms < ? OR id < ?){only} \
             ORDER BY submitted_ms DESC, id DESC LIMIT 51"
        ));
        assert_eq!(plan, format!("SEARCH enrolments USING INDEX {index}"));
    }
}

#[test]
fn who_is_to_be_told_of_a_ban_is_found_by_the_goods() {
    let plan = plan_of(
        "WITH below (num) AS (SELECT ?) SELECT DISTINCT l.promoter FROM targets t CROSS JOIN links l \
         WHERE l.target = t.num AND t.category IN (SELECT num FROM below) AND l.promoter > ? AND l.qr_of IS NULL \
         ORDER BY l.promoter LIMIT 5000",
    );
    assert!(plan.contains("links_of_target (target=? AND promoter>?)"), "{plan}");
}

#[test]
fn no_table_is_read_to_make_a_filter_of_it() {
    let plan = plan_of(
        "SELECT t.title, m.name FROM library_marks k JOIN targets t ON t.num = k.target \
         JOIN merchants m ON m.id = t.merchant WHERE t.kind = 'product' ORDER BY k.target DESC LIMIT 500",
    );
    assert!(!plan.contains("BLOOM"), "{plan}");
}
