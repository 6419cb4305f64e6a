//! Accounts: who makes them, who signs in, how often one may try, and when sessions end.

use crate::on_both;
use crate::support::Bench;
use attribution_core::time::DAY_MS;
use axum::http::StatusCode;
use serde_json::{Value, json};
use settlement_core::accounts::{SessionSecret, SignInError, SignUp, SignUpError};
use settlement_core::api::{Role, TokenText};

const PASSWORD: &str = "correct horse";

async fn account(bench: &Bench, login: &str, role: &str, subject: Option<&str>) -> Value {
    let body = json!({"login": login, "password": PASSWORD, "role": role, "subject": subject});
    bench.ok("POST", "/v1/accounts", body).await
}

on_both!(a_session_is_its_accounts_until_it_ends, async |bench: &Bench| {
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉"})).await;
    let made = account(bench, "Lily", "promoter", Some("lily")).await;
    assert_eq!((&made["login"], &made["role"]), (&json!("lily"), &json!("promoter")));
    assert!(made.get("password").is_none());
    let from = Some([192, 0, 2, 1].into());
    for (login, password) in [("lily", "wrong"), ("nobody", PASSWORD), ("莉莉", PASSWORD)] {
        let result = bench.core.sign_in(login, password, from).await;
        assert!(matches!(result, Err(SignInError::Wrong)), "{login}");
    }
    let first = bench.core.sign_in(" LILY", PASSWORD, from).await.unwrap();
    assert_eq!(
        (first.session.principal.role, first.session.principal.subject.as_deref()),
        (Role::Promoter, Some("lily"))
    );
    let found = bench.core.session(&first.secret).await.unwrap();
    assert_eq!(found.as_ref(), Some(&first.session));
    assert_eq!(bench.core.session(&SessionSecret::given("x")).await.unwrap(), None);

    // A new password ends the other sessions; signing out everywhere ends all.
    let second = bench.core.sign_in("lily", PASSWORD, from).await.unwrap();
    bench.core.change_password(&second.secret, "wrong", "another horse").await.unwrap_err();
    bench.core.change_password(&second.secret, PASSWORD, "another horse").await.unwrap();
    assert_eq!(bench.core.session(&first.secret).await.unwrap(), None);
    assert!(bench.core.session(&second.secret).await.unwrap().is_some());
    assert_eq!(bench.core.sign_out_everywhere(&second.secret).await.unwrap(), 1);
    assert_eq!(bench.core.session(&second.secret).await.unwrap(), None);

    // Idle for a week, it ends; what is old is forgotten.
    let third = bench.core.sign_in("lily", "another horse", from).await.unwrap();
    let now = bench.core.now();
    bench.set_clock(now.plus(7 * DAY_MS));
    assert_eq!(bench.core.session(&third.secret).await.unwrap(), None);
    bench.core.sign_in("lily", "another horse", from).await.unwrap();
    bench.set_clock(now.plus(60 * DAY_MS));
    assert!(bench.core.maintain(bench.core.now()).await.unwrap().forgotten > 0);
});

on_both!(attempts_are_limited_by_name_even_at_once, async |bench: &Bench| {
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉"})).await;
    account(bench, "lily", "promoter", Some("lily")).await;
    let attempts = (0..24).map(|_| bench.core.sign_in("lily", "wrong", None));
    let results = futures_util::future::join_all(attempts).await;
    let looked_at = results.iter().filter(|result| matches!(result, Err(SignInError::Wrong))).count();
    assert_eq!(looked_at, 10, "the others were refused before their password was looked at");
    let Err(SignInError::TooMany { retry_after_s }) = bench.core.sign_in("lily", PASSWORD, None).await else {
        panic!("the right password is not told either");
    };
    bench.set_clock(bench.core.now().plus(i64::try_from(retry_after_s).unwrap() * 1_000));
    bench.core.sign_in("lily", PASSWORD, None).await.unwrap();
});

on_both!(whoever_guesses_locks_out_themselves, async |bench: &Bench| {
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉"})).await;
    account(bench, "lily", "promoter", Some("lily")).await;
    let (guesser, lily) = (Some([203, 0, 113, 7].into()), Some([198, 51, 100, 7].into()));
    for _ in 0..10 {
        assert!(matches!(bench.core.sign_in("lily", "wrong", guesser).await, Err(SignInError::Wrong)));
    }
    let refused = bench.core.sign_in("lily", PASSWORD, guesser).await;
    assert!(matches!(refused, Err(SignInError::TooMany { .. })));
    bench.core.sign_in("lily", PASSWORD, lily).await.unwrap();
});

on_both!(only_those_above_make_accounts, async |bench: &Bench| {
    bench.ok("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "山里茶行"})).await;
    bench.ok("PUT", "/v1/promoters/lily", json!({"name": "莉莉", "agency": "stars"})).await;
    let mut tokens = Vec::new();
    for (role, subject) in
        [("merchant", Some("m1")), ("promoter", Some("lily")), ("agency", Some("stars")), ("operator", None)]
    {
        let issued = bench.ok("POST", "/v1/tokens", json!({"role": role, "subject": subject})).await;
        tokens.push((role, issued["token"].as_str().unwrap().to_owned()));
    }
    let body = |login: &str, role: &str, subject: Option<&str>| json!({"login": login, "password": PASSWORD, "role": role, "subject": subject});
    for (role, token) in &tokens {
        let (status, _) =
            bench.call_as(token, "POST", "/v1/accounts", body("new", "promoter", Some("lily"))).await;
        assert_eq!(
            status,
            if *role == "operator" { StatusCode::CREATED } else { StatusCode::FORBIDDEN },
            "{role}"
        );
        let (status, _) = bench.call_as(token, "POST", "/v1/accounts", body("chief", "operator", None)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{role}: only an admin makes operators");
    }
    account(bench, "chief", "operator", None).await;
    let (_, operator) = tokens.last().unwrap();
    let (status, _) =
        bench.call_as(operator, "PUT", "/v1/accounts/chief/password", json!({"password": PASSWORD})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for (login, role, subject, field) in [
        ("a", "operator", None, "login"),
        ("new one", "operator", None, "login"),
        ("newer", "promoter", Some("nobody"), "subject"),
        ("newer", "promoter", None, "subject"),
        ("newer", "operator", Some("m1"), "subject"),
        ("newer", "edge", Some("1"), "role"),
    ] {
        let answer = bench.problem("POST", "/v1/accounts", body(login, role, subject), 422, "invalid").await;
        assert_eq!(answer["field"], field, "{login} {role}");
    }
    bench.problem("POST", "/v1/accounts", body("CHIEF", "operator", None), 409, "login_taken").await;
    let weak = json!({"login": "newer", "password": "password", "role": "operator"});
    assert_eq!(bench.problem("POST", "/v1/accounts", weak, 422, "invalid").await["field"], "password");
    bench.problem("POST", "/v1/accounts/nobody/disable", json!({}), 404, "not_found").await;
    bench.problem("GET", "/v1/accounts/nobody", Value::Null, 404, "not_found").await;
    assert_eq!(bench.ok("GET", "/v1/accounts/Chief", Value::Null).await["role"], "operator");
    // By part of the login or of whose it is.
    for (part, found) in
        [("HIE", vec!["chief"]), ("LIL", vec!["new"]), ("_", vec![]), ("", vec!["chief", "new"])]
    {
        let page = bench.ok("GET", &format!("/v1/accounts?q={part}"), Value::Null).await;
        let logins: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|of| of["login"].as_str().unwrap()).collect();
        assert_eq!(logins, found, "{part}");
    }
});

on_both!(tokens_and_disabled_accounts_sign_nobody_in, async |bench: &Bench| {
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "edge", "subject": "7"})).await;
    let edge = TokenText::given(issued["token"].as_str().unwrap());
    assert!(matches!(bench.core.sign_in_with_token(&edge, None).await, Err(SignInError::Wrong)));
    let token = TokenText::given("first");
    bench.core.admit_administrators(vec![token.clone()]).await.unwrap();
    let session = bench.core.sign_in_with_token(&token, None).await.unwrap();
    assert_eq!(session.session.principal.role, Role::Admin);
    bench.core.admit_administrators(vec![TokenText::given("second")]).await.unwrap();
    assert_eq!(bench.core.session(&session.secret).await.unwrap(), None);

    account(bench, "chief", "operator", None).await;
    let session = bench.core.sign_in("chief", PASSWORD, None).await.unwrap();
    let off = bench.ok("POST", "/v1/accounts/chief/disable", json!({})).await;
    assert!(off["disabled_at"].is_number());
    assert_eq!(bench.core.session(&session.secret).await.unwrap(), None);
    assert!(matches!(bench.core.sign_in("chief", PASSWORD, None).await, Err(SignInError::Wrong)));
    let on = bench.ok("POST", "/v1/accounts/chief/enable", json!({})).await;
    assert!(on.get("disabled_at").is_none());
    bench.core.sign_in("chief", PASSWORD, None).await.unwrap();
});

on_both!(whoever_signs_up_is_a_promoter, async |bench: &Bench| {
    let wanted = || SignUp {
        name: " 小满 ".to_owned(),
        login: "13800138000".to_owned(),
        password: PASSWORD.to_owned(),
    };
    bench.core.sign_up(wanted(), None).await.unwrap_err();
    bench.ok("PUT", "/v1/settings/sign-up", json!({"open": true})).await;
    let new = bench.core.sign_up(wanted(), None).await.unwrap();
    let id = new.session.principal.subject.unwrap();
    let again = bench.ok("PUT", &format!("/v1/promoters/{id}"), json!({"name": "小满"})).await;
    assert_eq!(again["id"], json!(id));
    // One number is one account, however it is written.
    for spelled in ["13800138000", "+86 138-0013-8000"] {
        let same = SignUp { login: spelled.to_owned(), ..wanted() };
        let Err(SignUpError::Refused(why)) = bench.core.sign_up(same, None).await else {
            panic!("{spelled}")
        };
        assert_eq!(why[0].code(), "login_taken", "{spelled}");
        let session = bench.core.sign_in(spelled, PASSWORD, None).await.unwrap().session;
        assert_eq!(
            (session.login.as_deref(), session.principal.subject.as_ref()),
            (Some("13800138000"), Some(&id))
        );
    }
    let nothing = SignUp { name: String::new(), login: "a@b.c".to_owned(), password: String::new() };
    let Err(SignUpError::Refused(why)) = bench.core.sign_up(nothing, None).await else { panic!("taken") };
    assert_eq!(why.len(), 3, "all that is wrong is told at once: {why:?}");
});

on_both!(accounts_called_by_a_number_otherwise_written_still_sign_in, async |bench: &Bench| {
    let before = [
        ("anna", "+86-139-0000-1111", "13900001111"),
        ("bob", "139-0000-1111", "139-0000-1111"),
        ("carl", "+49-151-2345678", "+491512345678"),
        ("dora", "+86-10-1234-5678", "+861012345678"),
        ("emil", "12-34-56", "12-34-56"),
    ];
    for (promoter, was, _) in before {
        bench.ok("PUT", &format!("/v1/promoters/{promoter}"), json!({"name": promoter})).await;
        account(bench, promoter, "promoter", Some(promoter)).await;
        let rename = format!("UPDATE accounts SET login = '{was}' WHERE login = '{promoter}'");
        bench.core.store().write(move |tx| tx.script(&rename)).await.unwrap();
    }
    let undo = "DELETE FROM schema_migrations WHERE version = 79";
    bench.core.store().write(move |tx| tx.script(undo)).await.unwrap();
    drop(bench.open_again());
    for (promoter, was, login) in before {
        let session = bench.core.sign_in(was, PASSWORD, None).await.unwrap().session;
        assert_eq!(session.login.as_deref(), Some(login));
        assert_eq!(session.principal.subject.as_deref(), Some(promoter));
        assert_eq!(bench.ok("GET", &format!("/v1/accounts/{was}"), Value::Null).await["login"], login);
    }
    let session = bench.core.sign_in("+86 139 0000 1111", PASSWORD, None).await.unwrap().session;
    assert_eq!(session.principal.subject.as_deref(), Some("anna"));
});

on_both!(attempts_at_a_number_count_together_however_it_is_written, async |bench: &Bench| {
    for spelled in ["13900001111", "139 0000 1111", "+8613900001111", "139-0000-1111", "1-3-9-0000-1111"] {
        for _ in 0..2 {
            let tried = bench.core.sign_in(spelled, "wrong", None).await;
            assert!(matches!(tried, Err(SignInError::Wrong)), "{spelled}");
        }
    }
    let once_more = bench.core.sign_in("1 3900001111", "wrong", None).await;
    assert!(matches!(once_more, Err(SignInError::TooMany { .. })));
});
