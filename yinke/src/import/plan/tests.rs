use super::*;

fn plan(kind: Kind, text: &str) -> Plan {
    Plan::make(kind, text.as_bytes(), FileFormat::Csv)
}

fn faults(kind: Kind, text: &str) -> String {
    plan(kind, text).faults.iter().map(|f| f.at("f.csv").to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn broken_rows_are_all_named_and_the_rest_is_kept() {
    let text = "id,merchant,title,url,price_fen,category\n\
                cup-1,shop,保温杯,https://shop.example/1,8900,home\n\
                cup 2,shop,保温杯,https://shop.example/2,8900,home\n\
                cup-3,,保温杯,shop.example/3,89.5,home\n\
                cup-1,shop,保温杯,https://shop.example/1,8900,home\n\
                cup-5,shop\n\
                cup-6,shop,保温杯,https://shop.example/6,,\n";
    insta::assert_snapshot!(faults(Kind::Products, text), @r#"
    f.csv:3:1: id "cup 2": character ' ' is not allowed in an id (letters, digits, '.', '_', ':' and '-')
    f.csv:4: merchant: missing; expected a text
    f.csv:4:4: url "shop.example/3": expected an http(s) URL
    f.csv:4:5: price_fen "89.5": expected a whole number, zero or more
    f.csv:5: cup-1 stands in line 2 already
    f.csv:6: this row has 2 cells, the header has 6
    "#);
    let plan = plan(Kind::Products, text);
    let step = &plan.steps[0];
    let ids: Vec<_> = step.body["products"].as_array().unwrap().iter().map(|of| &of["id"]).collect();
    assert_eq!((plan.steps.len(), step.path.as_str(), &step.lines[..]), (1, "/v1/products", &[2, 7][..]));
    assert_eq!(ids, ["cup-1", "cup-6"]);
}

#[test]
fn rows_of_one_order_become_one_event() {
    let text = "type,platform,order,at,merchant,buyer,line,product,amount_fen,refund_id\n\
                created,1688,o-1,2026-11-01 10:00:00,shop,u-1,1,cup-1,100,\n\
                created,1688,o-1,2026-11-01 10:00:00,shop,u-1,2,cup-2,200,\n\
                paid,1688,o-1,2026-11-01 10:00:05,,,,,,\n\
                refunded,1688,o-1,2026-11-02 10:00:05,,,2,,50,r-1\n";
    let plan = plan(Kind::Orders, text);
    assert_eq!(plan.faults, []);
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.steps[0].lines, [2, 4, 5]);
    insta::assert_snapshot!(plan.steps[0].body.to_string(), @r#"{"events":[{"at":1793498400000,"buyer":"u-1","lines":[{"amount_fen":100,"line":"1","product":"cup-1"},{"amount_fen":200,"line":"2","product":"cup-2"}],"merchant":"shop","order":"o-1","platform":"1688","type":"created"},{"at":1793498405000,"order":"o-1","platform":"1688","type":"paid"},{"at":1793584805000,"lines":[{"amount_fen":50,"line":"2"}],"order":"o-1","platform":"1688","refund_id":"r-1","type":"refunded"}]}"#);
}

#[test]
fn an_event_that_contradicts_itself_is_refused() {
    let head = "type,platform,order,at,merchant,buyer,line,product,amount_fen\n";
    let first = "created,1688,o-1,2026-11-01 10:00:00,shop,u-1,1,cup-1,100\n";
    let other_buyer = "created,1688,o-1,2026-11-01 10:00:00,shop,u-2,2,cup-2,200\n";
    let between = "created,1688,o-2,2026-11-01 10:00:00,shop,u-1,1,cup-1,100\n";
    let paid = "paid,1688,o-1,2026-11-01 10:00:05,,,,,\n";
    assert!(faults(Kind::Orders, &[head, first, other_buyer].concat()).contains("says otherwise in line 2"));
    assert!(faults(Kind::Orders, &[head, first, between, first].concat()).contains("line 2 already"));
    assert!(faults(Kind::Orders, &[head, paid, paid].concat()).contains("line 2 already"));
}

#[test]
fn a_programmes_policy_is_checked_before_anything_is_sent() {
    let text = "id,merchant,platform,name,preset,policy\n\
                p-1,shop,,分销,distributor1688,\"{\"\"attribution\"\":{\"\"validty\"\":1}}\"\n\
                p-2,shop,1688,分销,distributor1688,\n\
                p-3,shop,,分销,nothing,\n";
    let found = faults(Kind::Programmes, text);
    assert!(found.contains("f.csv:2:6: policy"), "{found}");
    assert!(found.contains("attribution.validty: no such field"), "{found}");
    assert!(found.contains("f.csv:3:2: merchant \"shop\": a programme belongs to"), "{found}");
    assert!(found.contains("f.csv:4:5: preset \"nothing\": expected one of distributor1688"), "{found}");
}

#[test]
fn the_same_file_makes_the_same_keys_and_another_does_not() {
    let (a, b) = ("id,platform,name\ns,1688,x\n", "id,platform,name\ns,1688,y\n");
    assert_eq!(plan(Kind::Merchants, a).content, plan(Kind::Merchants, a).content);
    assert_ne!(plan(Kind::Merchants, a).content, plan(Kind::Merchants, b).content);
}

#[test]
fn the_manual_names_every_column() {
    let manual = include_str!("../../../../docs/import.md");
    for kind in <Kind as clap::ValueEnum>::value_variants() {
        let from = manual.find(&format!("## {}\n", kind.name())).unwrap_or_else(|| panic!("{}", kind.name()));
        let section = manual[from + 3..].split("\n## ").next().unwrap();
        for column in kind.columns() {
            let required = if column.required { "yes" } else { "" };
            let line = format!("| `{}` | {required} | {} |", column.name, column.about);
            assert!(section.contains(&line), "docs/import.md, {}: {line}", kind.name());
        }
    }
}

#[test]
fn an_order_with_a_broken_row_is_left_out_whole() {
    let text = "type,platform,order,at,merchant,buyer,line,product,amount_fen\n\
                created,1688,o-1,2026-11-01 10:00:00,shop,u-1,1,cup-1,100\n\
                created,1688,o-1,2026-11-01 10:00:00,shop,u-1,2,cup-2,1.5\n\
                created,1688,o-2,2026-11-01 10:00:00,shop,u-1,1,cup-1,100\n";
    let plan = plan(Kind::Orders, text);
    assert_eq!(plan.steps[0].lines, [4]);
    let found = faults(Kind::Orders, text);
    assert!(found.contains("f.csv:2: left out, because line 3 of the same event is wrong"), "{found}");
    assert!(
        found.contains("f.csv:3:9: amount_fen \"1.5\": expected a whole number, zero or more"),
        "{found}"
    );
}

#[test]
fn an_open_quote_never_swallows_the_rows_behind_it() {
    let text = "type,platform,order,at,merchant,buyer,product,amount_fen,coupon\n\
                created,1688,o-1,2026-11-01 10:00:00,shop,u-1,cup-1,100,\n\
                created,1688,CP-1,2026-11-01 10:00:00,shop,u-1,cup-1,100,\"K\n\
                paid,1688,CP-1,2026-11-01 10:01:00,,,,,\n\
                created,1688,o-2,2026-11-01 10:00:00,shop,u-1,cup-1,100,\n";
    let open = plan(Kind::Orders, text);
    assert_eq!(open.items(), 0, "the event beside the unreadable row may be its own");
    assert_eq!(crate::import::lines_left_out(&open.faults), 4);
    let found = faults(Kind::Orders, text);
    let says =
        "f.csv:3:9: coupon: a quote opened in line 3, column 9 is never closed: lines 3 to 5 cannot be read";
    assert!(found.contains(says), "{found}");
    assert!(
        found.contains("f.csv:2: left out, because line 3 cannot be read and may be of the same event"),
        "{found}"
    );
}
