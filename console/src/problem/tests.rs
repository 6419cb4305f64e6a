use super::*;
use std::fs;
use std::path::{Path, PathBuf};

fn problem(code: &str, facts: &Value, detail: &str) -> ProblemBody {
    let mut body = serde_json::json!({
        "type": "", "title": "", "status": 422, "code": code, "detail": detail, "field": "name"
    });
    body.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
    serde_json::from_value(body).unwrap()
}

#[test]
fn a_problem_is_told_in_the_persons_language() {
    let none = &serde_json::json!({});
    let rows = [
        (Lang::Zh, problem("alias_taken", none, "x"), "这个别名已被占用，请换一个。"),
        (Lang::Zh, problem("invalid", none, "name: must not be empty"), "请填写这一项。"),
        (Lang::Zh, problem("invalid", none, "name: is odd"), "这一项不正确（is odd）。"),
        (Lang::En, problem("invalid", none, "name: is odd"), "This is odd."),
        (Lang::En, problem("invalid", none, "there is no such thing"), "There is no such thing."),
        (
            Lang::Zh,
            problem("not_available", &serde_json::json!({"available_fen": 123_450}), "x"),
            "可提现金额不足：目前只有 ¥1,234.50。",
        ),
        (
            Lang::Zh,
            problem("bad_destination", none, "name: host a.example is not one of the merchant's"),
            "a.example 不在店铺设置的域名之内。",
        ),
        (
            Lang::Zh,
            problem(
                "invalid_body",
                none,
                "the body does not fit: name: an id must not be empty at line 1 column 9",
            ),
            "请填写这一项。",
        ),
        (Lang::Zh, problem("not_found", none, "there is no promoter li li"), "没有这个推广者：li li。"),
    ];
    for (lang, problem, words) in rows {
        let got = mistake(&Texts::load(lang).unwrap(), lang, &problem);
        assert_eq!((got.field.as_deref(), got.words.as_str()), (Some("name"), words));
    }
}

#[test]
fn a_sentence_fits_its_pattern_whole() {
    let rows = [
        ("may not", "may not", Some(vec![])),
        ("may not", "may not ever", None),
        ("has {} of {}", "has 3 of 5", Some(vec!["3", "5"])),
        ("has {} of {}", "has 3", None),
        ("{} is no name", "is no name is no name", Some(vec!["is no name"])),
        ("{}", "", Some(vec![""])),
        ("a{}b", "ab", Some(vec![""])),
        ("ab{}bc", "abc", None),
        ("é{}", "e", None),
    ];
    for (pattern, detail, expected) in rows {
        assert_eq!(values(pattern, detail), expected, "{pattern:?} {detail:?}");
    }
}

/// The folder of another crate's sources.
fn sources(krate: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The arguments of every call, as they are written.
fn calls(source: &str, call: &str) -> Vec<Vec<String>> {
    source.split(call).skip(1).map(arguments).collect()
}

fn arguments(rest: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let (mut depth, mut quoted, mut before) = (0, false, ' ');
    for c in rest.chars() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        before = c;
        all.last_mut().unwrap().push(c);
    }
    all.iter().map(|argument| argument.trim().to_owned()).collect()
}

/// The text of a literal, or of a format.
fn text(argument: &str) -> Option<String> {
    let inner = ["&format!(", "format!("].into_iter().find_map(|format| argument.strip_prefix(format));
    let literal = inner.unwrap_or(argument).trim_start().strip_prefix('"')?;
    Some(literal.split('"').next()?.to_owned())
}

/// Codes whose words are those of their detail.
const BY_DETAIL: [&str; 5] = ["bad_alias", "bad_destination", "invalid", "invalid_body", "invalid_policy"];

#[test]
fn every_code_has_a_chinese_sentence() {
    let zh = Texts::load(Lang::Zh).unwrap();
    let mut all = Vec::new();
    files(&sources("settlement-core"), &mut all);
    let mut seen = 0;
    for path in all {
        let source = fs::read_to_string(&path).unwrap();
        for call in ["Problem::conflict(", "Problem::new("] {
            for arguments in calls(&source, call) {
                let named = if call.contains("new") { arguments.get(1) } else { arguments.first() };
                let Some(code) = named.and_then(|argument| text(argument)) else { continue };
                let is_code = !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                if !is_code || BY_DETAIL.contains(&code.as_str()) {
                    continue;
                }
                seen += 1;
                assert!(zh.problem.contains_key(&code), "{code} of {} has no Chinese words", path.display());
            }
        }
    }
    assert!(seen > 60, "the codes were not found: {seen}");
}

/// What only programs are told: no form of the console leads there.
const PROGRAMS: [&str; 6] =
    ["edges/", "identities.rs", "intake/", "orders/api.rs", "replay/", "orders/report.rs"];

#[test]
fn every_detail_that_a_form_can_meet_has_chinese_words() {
    let zh = Texts::load(Lang::Zh).unwrap();
    let mut told = Vec::new();
    let mut all = Vec::new();
    files(&sources("settlement-core"), &mut all);
    all.retain(|path| {
        let path = path.to_string_lossy();
        path.ends_with("sources_api.rs") || !PROGRAMS.iter().any(|part| path.contains(part))
    });
    for path in &all {
        let source = fs::read_to_string(path).unwrap();
        let name = path.display().to_string();
        let invalid = calls(&source, "Problem::invalid(")
            .into_iter()
            .filter_map(|mut all| (all.len() > 1).then(|| all.swap_remove(1)));
        let refused = calls(&source, "refuse(").into_iter().map(|mut all| all.swap_remove(0));
        told.extend(invalid.chain(refused).filter_map(|argument| Some((name.clone(), text(&argument)?))));
    }
    let mut errors = |file: &str, source: &str| {
        let texts = calls(source, "#[error(").into_iter().filter_map(|all| text(all.first()?));
        told.extend(texts.map(|text| (file.to_owned(), text)));
    };
    for file in [
        "ids.rs",
        "code.rs",
        "app_page.rs",
        "policy/validate/mistake.rs",
        "web_address.rs",
        "calendar/over.rs",
        "record.rs",
    ] {
        errors(file, &fs::read_to_string(sources("attribution-core").join(file)).unwrap());
    }
    for file in ["accounts/login.rs", "accounts/password.rs"] {
        let source = fs::read_to_string(sources("settlement-core").join(file)).unwrap();
        // Behind the first one stands what only the log is told.
        errors(file, source.split("enum ").nth(1).unwrap());
    }
    // What is made of another error alone is that one's sentence.
    told.retain(|(_, text)| text.contains(' ') && !text.ends_with(": {0}"));
    assert!(told.len() > 80, "the details were not found: {}", told.len());
    let mut unsaid = Vec::new();
    for (file, text) in told {
        // As it would be said: a word for every value, and without the name of the field.
        let mut said = String::new();
        for (at, part) in text.replace("{{", "<").replace("}}", ">").split(['{', '}']).enumerate() {
            said.push_str(if at % 2 == 0 { part } else { "x" });
        }
        let said = said.replace('<', "{").replace('>', "}");
        let detail = said.split_once(": ").map_or(said.as_str(), |(_, rest)| rest);
        let known = translated(&zh, &said).or_else(|| translated(&zh, detail));
        if known.is_none() {
            unsaid.push(format!("{file}: {said}"));
        }
    }
    assert!(unsaid.is_empty(), "these have no Chinese words: {unsaid:#?}");
}

#[test]
fn every_refusal_of_a_notification_has_chinese_words() {
    let zh = Texts::load(Lang::Zh).unwrap();
    let core = |file: &str| fs::read_to_string(sources("settlement-core").join(file)).unwrap();
    let errors = ["order_events/check.rs", "intake/amount.rs"].map(|file| (file, "#[error("));
    let mappings =
        ["intake/mapped.rs", "intake/shopify.rs", "intake/youzan.rs"].map(|file| (file, ".wrong("));
    let taken = [("orders/batch.rs", "let detail = ")];
    let mut seen = 0;
    for (file, call) in errors.into_iter().chain(mappings).chain(taken) {
        let told = calls(&core(file), call).into_iter().filter_map(|all| text(all.first()?));
        // What is made of another error alone is that one's sentence.
        for told in told.filter(|text| text.contains(' ')) {
            let said: Vec<&str> = told.split(['{', '}']).collect();
            let said: String =
                said.iter().enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "x" }).collect();
            assert!(translated(&zh, &said).is_some(), "{file} has a refusal without Chinese words: {said}");
            seen += 1;
        }
    }
    assert!(seen > 20, "the refusals were not found: {seen}");
    let told = sentence(&zh, "/line_items: an order without goods");
    assert_eq!(told, "/line_items：订单里没有商品。");
}

#[test]
fn every_finding_is_told_in_both_languages() {
    let orders =
        |file: &str| fs::read_to_string(sources("settlement-core").join("orders").join(file)).unwrap();
    let source = orders("review.rs");
    let codes: Vec<&str> =
        source.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(codes.len() > 15, "the codes were not found: {codes:?}");
    for lang in [Lang::Zh, Lang::En] {
        let t = Texts::load(lang).unwrap();
        for code in &codes {
            assert_ne!(crate::states::review(&t, code), *code, "{code} has no words in {lang:?}");
        }
    }
    let zh = Texts::load(Lang::Zh).unwrap();
    let mut seen = 0;
    let mut all = Vec::new();
    files(&sources("settlement-core").join("orders"), &mut all);
    // What is answered to whoever sends events is no finding.
    all.retain(|file| !["api.rs", "batch.rs"].iter().any(|end| file.to_str().unwrap().ends_with(end)));
    for path in all {
        let (source, file) = (fs::read_to_string(&path).unwrap(), path.display());
        let named = ["detail =", "detail:"].iter().flat_map(|name| source.split(name).skip(1));
        // A reason with its whole detail beside it.
        let beside = source.split("Reason::").skip(1).filter_map(|rest| Some(rest.split_once(',')?.1));
        let beside = beside.filter(|rest| rest.trim_start().starts_with('"'));
        for rest in named.chain(beside) {
            let Some(detail) = text(rest.trim_start()).filter(|detail| detail.contains(' ')) else {
                continue;
            };
            let said: String = detail
                .split(['{', '}'])
                .enumerate()
                .map(|(at, part)| if at % 2 == 0 { part } else { "x" })
                .collect();
            assert!(translated(&zh, &said).is_some(), "{file} has a finding without Chinese words: {said}");
            seen += 1;
        }
    }
    assert!(seen > 10, "the details were not found: {seen}");
}
