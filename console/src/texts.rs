//! All texts, by name: one struct per area, filled from `texts/zh*.toml` and `texts/en*.toml`.
//!
//! A template that names a text that does not exist does not compile; a language that lacks one, or has one that nobody
//! knows, fails at the start and in the tests. `{name}` in a text is replaced with [`fill`].

use crate::lang::Lang;
use std::collections::BTreeMap;

/// A built-in text file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("texts/{lang}.toml")]
pub struct TextsError {
    lang: &'static str,
    source: Wrong,
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("not areas of texts")]
    Toml(#[source] Box<toml::de::Error>),
    #[error("missing: {missing:?}; nobody asks for: {unknown:?}")]
    Names { missing: Vec<String>, unknown: Vec<String> },
}

/// The areas of a language while they are taken out. Not by a derived `Deserialize`: for structs of a hundred and more
/// texts that becomes functions on which the compiler's optimiser spends ten minutes.
struct Areas {
    left: BTreeMap<String, BTreeMap<String, String>>,
    missing: Vec<String>,
}

impl Areas {
    /// Takes a text out; one that is missing is noted, and empty.
    #[inline(never)]
    fn text(&mut self, area: &'static str, name: &'static str) -> String {
        let found = self.left.get_mut(area).and_then(|texts| texts.remove(name));
        found.unwrap_or_else(|| {
            self.missing.push(format!("{area}.{name}"));
            String::new()
        })
    }

    /// Takes an area out whose names are not known here.
    fn map(&mut self, area: &'static str) -> BTreeMap<String, String> {
        self.left.remove(area).unwrap_or_else(|| {
            self.missing.push(area.to_owned());
            BTreeMap::new()
        })
    }

    /// Nothing may be missing, and nothing left over.
    fn finish(self) -> Result<(), Wrong> {
        let left =
            self.left.iter().flat_map(|(area, texts)| texts.keys().map(move |name| format!("{area}.{name}")));
        let (missing, unknown): (_, Vec<String>) = (self.missing, left.collect());
        if missing.is_empty() && unknown.is_empty() { Ok(()) } else { Err(Wrong::Names { missing, unknown }) }
    }
}

macro_rules! texts {
    ($( $(#[$doc:meta])* $area:ident: $name:ident { $($text:ident),* $(,)? } )*) => {
        /// All texts of one language.
        #[derive(Debug)]
        pub(crate) struct Texts {
            $( $(#[$doc])* pub(crate) $area: $name, )*
            /// Refusals of the API by their code.
            pub(crate) problem: BTreeMap<String, String>,
            /// Sentences of refusals that have no code of their own.
            pub(crate) detail: BTreeMap<String, String>,
            /// What was just done, by the name in the address.
            pub(crate) done: BTreeMap<String, String>,
        }

        $(
            #[derive(Debug)]
            pub(crate) struct $name { $( pub(crate) $text: String, )* }
        )*

        impl Texts {
            fn take(areas: &mut Areas) -> Self {
                Self {
                    $( $area: $name { $( $text: areas.text(stringify!($area), stringify!($text)), )* }, )*
                    problem: areas.map("problem"),
                    detail: areas.map("detail"),
                    done: areas.map("done"),
                }
            }

            /// Every text with its name, maps left out.
            #[cfg(test)]
            fn named(&self) -> Vec<(String, &str)> {
                vec![$( $( (format!("{}.{}", stringify!($area), stringify!($text)), self.$area.$text.as_str()), )* )*]
            }
        }
    };
}

texts! {
    /// Words that stand everywhere.
    common: Common {
        brand, skip, nav, language, sign_out, account, mistakes, next_page, day, download_csv, as_table, copy, copied, all,
        search, show, choose, actions, more_filters, menu, colon,
    }
    /// Pages instead of pages.
    failure: FailureTexts {
        not_found, not_found_words, other_site, other_site_words, bad_form, bad_form_words, busy, busy_words, broken,
        broken_words, home, wrong_detail,
    }
    /// Signing in and up.
    sign_in: SignInTexts {
        title, intro, login, login_hint, password, submit, wrong, too_many, busy, internal, with_token, token, token_hint,
        with_password, sign_up_link, sign_up_title, sign_up_intro, name, name_hint, phone, phone_hint, new_password,
        password_hint, sign_up_submit, sign_in_link, lost, closed,
    }
    /// One's own account.
    account: AccountTexts {
        title, signed_in_as, role, subject, password_title, current_password, new_password, password_hint, change, wrong_password,
        sessions_title, everywhere_words, everywhere, token_words, role_promoter, role_merchant, role_agency,
        role_operator, role_admin, role_edge, empty_role,
    }
    /// The promoter's first page.
    overview: OverviewTexts {
        nav, title, today, week, month, clicks, orders, expected, settled, chart, find_products, withdraw, no_data,
        balance_title, available,
    }
    /// Placements.
    placements: PlacementTexts {
        nav, title, intro, empty_title, empty_words, name, name_hint, programme, made, links, make,
    }
    /// The library and the selection.
    products: ProductTexts {
        nav, title, name, shop, merchant, category, sort, sort_none, sort_newest, sort_commission, sort_rate, nothing_found,
        nothing_found_words, show_all, empty_title, empty_words, promote, select, unselect, earn, price, rate, no_rate, no_programme,
        dead, dead_cancelled, dead_delisted, dead_banned, dead_expired, dead_not_started, dead_disabled, dead_other,
        selection_nav, selection_title, selection_empty, selection_empty_words, selected_at, promoted_nav,
        promoted_title, promoted_at, links, see_links, none_dead,
    }
    /// Links and QR codes.
    links: LinkTexts {
        nav, title, all, new, make, shop, shop_hint, own_name, own_name_hint, name_it, product, url, placement, programme, state,
        until, forever, live, many, none_like_this, empty_title, empty_words, qr, get_png, get_svg, alias, share_words, preview, destination, shared, starts,
        products, products_hint, bad_count, many_words, make_many, made_many, options, size, level, level_l, level_m, level_q,
        level_h, quiet, dark, light, bad_size, bad_level, bad_quiet, bad_colour, inverted, too_alike, said_twice, get_poster, scan, elsewhere, host, bad_host,
        poster, poster_words, poster_picture, poster_save, poster_failed, logo, logo_none, logo_mine, logo_title, logo_words,
        logo_picture, logo_save, logo_remove, logo_choose, logo_too_large, logo_unreadable, logo_no_scan, logo_needs_h,
    }
    /// Orders and their explanations.
    orders: OrderTexts {
        nav, title, all, order, line, product, at, base, earn, state, tracked, expected, matured, settled, taken_back, invalid,
        manual, none, review, provisional, none_like_this, empty_title, empty_words, why, steps,
    }
    /// Notices.
    notices: NoticeTexts {
        nav, title, empty_title, empty_words, mark, unread, promotion_cancelled, product_delisted, product_back, link_expired,
        application_approved, application_rejected, approval_withdrawn, withdrawal_paid, withdrawal_returned,
        account_verified, account_refused, commission_taken_back, payout_failed, category_banned, promoter_disabled,
        promoter_enabled, from, suspended,
    }
    /// Balance, withdrawals, account.
    money: MoneyTexts {
        nav, title, empty_title, empty_words, balance, programme, available, expected, earned, clearing, debt_words, reports_next_day, what_is,
        expected_words, earned_words, available_words, clearing_words, withdraw, amount, amount_hint, bad_amount, bind_first,
        nothing_available, account, no_account, kind, alipay, bank_card, company_alipay, number, number_hint,
        company_number_hint, holder,
        holder_hint, real_name, verified, not_verified, bind, change_account, history, no_history, at, what, gross, collected,
        paid, state, kind_run, kind_withdrawal, state_available, state_clearing, state_paid, state_returned, state_carried,
        state_failed, refused_words, ahead, ahead_words, month, payable_on, day_unknown, next_day,
    }
    /// Monthly statements.
    statements: StatementTexts {
        nav, title, month, open_words, empty_title, empty_words, opening, settled, taken_back, collected, paid, other,
        closing, movements, order, amount,
    }
    /// Results by day.
    reports: ReportTexts {
        nav, title, from, to, bad_day, bad_range, words, chart, no_data, products, placements, no_placement, labels, label, no_label,
        labels_hint,
    }
    /// The merchants' pages, and what others share with them.
    shop: ShopTexts {
        overview, products, orders, relations, programmes, plans, balance, settlements, enrolments, webhooks,
        tokens, reviews, low_balance, to_settle, applicants, open_reviews, clicks, expected, settled, promoter,
        by_promoter, no_clicks, name, id, whose, version, own, platforms, no_programmes, rates,
        programmes_intro, new_programme, make, preset, preset_hint, id_hint, id_needed, id_taken, rules_intro,
        change_rules, platforms_words, versions, from, written, to, change_intro, keep_preset, put_in_force,
        fields, fields_hint, preview, not_yet, current_rules, bad_json, for_what, rate, customers, plan,
        no_rates, product, category, whole_shop, everything, general_plan, rates_intro, set_rate, set,
        product_id, rate_product_hint, any_category, rate_category_hint, rate_from_hint, rate_percent, rate_hint, bad_rate, programme, approval, made_at, closes,
        no_plans, automatic, by_us, plans_intro, new_plan, applied_at, state, applications, no_applications,
        approve, reject, take_back, new_product, import, no_products, promoted, promote, cancel_promotion,
        relist, delist, url, url_hint, image_url, image_url_hint, image_unreadable, query, pass_query, price, bad_price, cancelled_from, delisted_from, do_now, skus, change,
        save, import_intro, imported, csv, csv_hint, no_lines, too_many_lines, wrong_line, more_wrong_lines, unknown_column,
        missing_column, uneven_line, bad_cell, sku, stock, low30,
        enrolment, no_skus, delete, put_sku, bad_stock, relations_intro, buyer, buyer_hint, at_time, at_hint,
        bad_time, nobodys, held_by, bound_at, last_click, protected_until, ends, placement, click, ended,
        how_ended, history, no_history, end_replaced, end_window, end_order, commission, merchant, paid_at,
        completed_at, closed_at, why, since, decided, detail, paid, refunded, promoters_part, rules, decision,
        superseded, bill, no_reviews, reviews_intro, reference, booked_at, amount, top_ups, no_top_ups,
        expected_to_pay, balance_intro, order, matured_at, waits_for, nothing_waits, waits_hand, waits_review,
        waits_round, waits_click, at_latest, settle, settle_words, settle_all, settlements_intro, first_steps, out_of_money, not_due, what_for, role, no_tokens,
        revoke, token, only_now, new_token, token_hint, reads_only, tokens_intro, address, events, no_webhooks,
        webhooks_intro, signing_secret, new_webhook, address_hint, events_hint, disabled, failing, works,
        all_events, test, rotate, enable, remove, rotated_words, event, told_at, attempts, last_answer,
        deliveries, no_deliveries, delivered, failed, waiting, replay, auditing, on_sale_off_site,
        enrolment_refused, exited, no_enrolments, enrolments_intro, enrol, apply, enrolment_hint,
        private_prices, private_prices_hint, bad_offer, no_offers, audit, audit_words, audit_today, audit_unpublished, gates, private_price,
        accepted, left_out, exit, exit_words, enrol_again, no_enrolling, needs_review, low_stock, low30_then, spread, spread_all, spread_some, spread_behind,
    }
    /// The operators' pages.
    operator: OperatorTexts {
        edges, audit, merchants, bans, edge, heard, lag, pending, recorded, ingested, gaps, no_edges, never,
        silent, present, none_behind, edges_intro, days, hours, minutes, seconds, audit_intro, clicks, books,
        verdict, balanced, not_balanced, answered, quarantined, lost, in_doubt, duplicates, conflicts,
        unjournaled, imbalance, transfers, unbalanced, wrong_balances, applies_to, effective, announced, note,
        no_bans, in_force, to_come, all_programmes, bans_intro, new_ban, ban, effective_hint, ends, ends_hint, over, lift,
        ban_programme_hint, no_categories, platform, no_merchants, top_up, book, top_up_words, reference_hint,
        to_audit, nothing_to_audit, usual_day, latest_day, overdue, new_merchant, platform_hint, audit_title, approve_words, reject_words, audit_reason, audit_reason_hint,
    }
    /// What the platform says of merchants and products.
    facts: FactTexts {
        title, intro, level, service, logistics, product_score, dropship_products, consumer_or_industrial, risk_ok,
        growth_score, ships_within, no_promise, hours24, hours48, dropship_free_shipping, seven_day_returns, group_purchase,
        ticked, of_products, no_products, bad_count, bad_score,
    }
    /// Platforms.
    platforms: PlatformTexts {
        title, intro, none, new, rename,
    }
    /// The tree of categories.
    categories: CategoryTexts {
        title, intro, none, new, change, parent, parent_hint, top, banned, allowed,
    }
    /// Exclusive coupon codes.
    coupons: CouponTexts {
        title, intro, none, off, new, give, code, code_hint, promoter, from_hint,
    }
    /// Video tasks.
    video: VideoTexts {
        title, intro, none, no_programmes, new, order, task, id_hint, talent, talent_hint, agency, price, product_hint,
        open, confirmed, cancelled, fee, net, closed_at, how, confirm, confirm_words, cancel, cancel_words,
    }
    /// The agencies' pages.
    agency: AgencyTexts {
        talents, talents_intro, our_expected, our_settled, last_days, no_talents, shares,
    }
    /// The shop itself.
    own_shop: OwnShopTexts {
        title, shop_url, shop_url_hint, hosts, hosts_hint, click_param, click_param_hint, not_in, not_in_hint, ios,
        android, app_hint, android_hint, history, history_hint, wechat, qq, alipay, taobao, douyin,
    }
    /// Refunds after the settlement.
    dispute: DisputeTexts {
        title, intro, none, refund, refunded_at, created_at, due, recovered, made_up, route, real_time, batch,
        unrecorded, waiting, no_record, created, recovering, success, compensated, rules_broken, what_is,
        real_time_words, batch_words, compensated_words, recover, recover_words, amount, book, reference_hint,
        how, from_available, paid_in, break_title, break_rules, break_words,
    }
    /// Payout runs.
    payouts: PayoutTexts {
        title, intro, no_programmes, on_their_way, on_their_way_words, on_their_way_none, payee, account, all_of_them, runs, none, day,
        attempt, served, failed, file, finished, going_on,
        begin_title, begin, begin_words, arrivals, arrivals_words, lines, lines_hint, take_in, no_lines, bad_line,
    }
    /// Accounts of others.
    accounts: AccountsTexts {
        title, find, none, login, login_hint, password, subject, subject_hint, new_account, password_at, disable,
        reset, reset_words, admins_alone, sign_up, is_open, is_closed, open, close,
    }
    /// Findings for a person.
    review: ReviewTexts {
        event_changed, unknown_product, unknown_merchant, other_merchant, unknown_line, refund_exceeds_payment,
        unjournaled, shared_token, unnamed_agency, manual_refund, refund_after_settlement, paid_after_settlement, other_sender,
        before_created,
        banned_after_settlement, disabled_after_settlement, completed_before_paid, currency_not_cny, time_implausible,
        open, answer, close, intro, resolution, resolution_hint, money, keep, release,
    }
    /// Payout accounts to be checked.
    check: CheckTexts {
        title, intro, none, nothing, payee, bound_at, check, check_title, check_words, verify_title, verify, verify_words,
        refuse_title, refuse, refuse_words, reason, reason_hint,
    }
    /// Where orders come in.
    sources: SourceTexts {
        title, intro, none, kind, youzan, shopify, standard, connect, connect_youzan, connect_shopify, connect_standard,
        youzan_needs, shopify_needs, standard_needs, youzan_next, shopify_next, standard_next, label_hint, client_id,
        client_secret, product_from, product_from_hint, by_number, by_code, prefix, prefix_hint, signature, body_sign,
        body_sign_hint, address, former, former_until, disconnect, came, nothing_came, topic, received, outcome,
        body, accepted, duplicate, ignored, review, rejected, unmappable, rotate_words, rotated_words,
    }
    /// What is asked once more before it is done.
    sure: SureTexts {
        cancel_promotion, delist, reject, take_back, delete_sku, revoke, remove_webhook, disable_account, disable_promoter,
        remove_source, calendar,
    }
    /// Promoters, for the operators.
    promoters: PromotersTexts {
        title, find, none, agency, placements, member, not_said, verified, not_verified, say, say_words, say_yes, say_no,
        orders, bans_words, new, new_words, disable, enable,
    }
    /// Targeted plans and applications to them.
    plan: PlanTexts {
        pending, approved, rejected, withdrawn, title, intro, none, by_whom, state, apply, rates, pays, more_rates,
        no_rates, from, rates_cut, closed, close, close_words, close_hint,
    }
    /// Platforms' statements against the books.
    reconcile: ReconcileTexts {
        title, intro, none, number, span, lines, agree, differ, all_agree, made_at, made_by, compare, new,
        new_words, from, to, states, states_hint, csv, csv_hint, bad_day, bad_range, taobao, jd, pdd, douyin,
        kuaishou, missing_here, missing_there, amount, state, kind, ours, theirs, no_differences, state_of, settled,
        not_settled, note, notes, no_notes, note_hint, say, say_words, settle, take_back, only_note, said_at, said_by,
    }
    /// The workday calendar.
    calendar: CalendarTexts {
        title, intro, in_force, version, covers, covers_words, ends_soon, days, day, what, workday, day_off,
        no_days, change, change_words, lines, lines_hint, through, through_hint, save, empty, clear, bad_line, bad_year,
        history, at, no_history, contradicts, count,
    }
    /// Clicks that were set aside.
    letters: LettersTexts {
        title, intro, none, click, edge, recorded, set_aside, reason, code, unreadable, put_back,
        put_back_words, go_on, so_far, came, back, back_at, back_by, no_back,
    }
    /// What a programme's rules mean.
    policy: PolicyTexts {
        whose, how_much, when_paid, who_may, one_day, days, one_hour, hours, one_minute, minutes, seconds,
        last_click, binding, declared, scope_product, scope_shop, scope_platform, scope_product_shop,
        permanent, from_last_click, from_bind, until_link_expiry, content, extend_on_order, close_on_order,
        rebind_any, rebind_protected, rebind_never, link_ttl, link_forever, converted, badge, user_activation, self_allow,
        self_ignore, self_deny, withdrawn_pays, withdrawn_not, coupon_wins, device, at_payment, content_extend, classes, whole_days, calendar_day0, calendar_day1, class_any,
        class_new, class_returning, of_all, of_product, of_category, of_shop, rate, nothing, in_plan,
        own_rates, no_promoters, no_targeted_plans, targeted_from_midnight, channel_fee, tier, cashback, platform, agency, promoter, comma, split, collected, floor,
        half_up, min, agency_from, video_tasks, video_tasks_in_events, matures, matures_after, timer_stops, auto, manual, funding, immediate, one_month, months, monthly_success,
        monthly_settled, roll, bound_at_payout, bound_at_withdrawal, to_balance, refund_before,
        refund_before_some, clawback, no_clawback, refund_manual, excluded, wechat_own, wechat_consignment,
        bank_card, alipay, cash_on_delivery, other_method, next_day, realtime, member, verified_account,
        placement, anybody, strict, privacy, sourcing, low30_at_most, low30_below, ban, ban_until, fallback, preset_distributor1688,
        preset_youzan_permanent, preset_youzan_short, preset_youzan_lock, preset_offsite1688,
        preset_alliance_credit_ban, preset_taobao_live,
    }
}

impl Texts {
    /// Reads the built-in files of a language.
    pub(crate) fn load(lang: Lang) -> Result<Self, TextsError> {
        let files = match lang {
            Lang::Zh => [include_str!("../texts/zh.toml"), include_str!("../texts/zh.roles.toml")],
            Lang::En => [include_str!("../texts/en.toml"), include_str!("../texts/en.roles.toml")],
        };
        let read = || {
            let left = toml::from_str(&files.join("\n")).map_err(|error| Wrong::Toml(Box::new(error)))?;
            let mut areas = Areas { left, missing: Vec::new() };
            let texts = Self::take(&mut areas);
            areas.finish().map(|()| texts)
        };
        read().map_err(|source| TextsError { lang: lang.name(), source })
    }
}

/// A text with its `{name}` replaced.
pub(crate) fn fill(text: &str, name: &str, value: impl std::fmt::Display) -> String {
    text.replace(&format!("{{{name}}}"), &value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes(text: &str) -> Vec<&str> {
        let mut holes: Vec<&str> =
            text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        holes.sort_unstable();
        holes
    }

    #[test]
    fn a_text_that_is_missing_or_unknown_is_named() {
        let left = toml::from_str("[common]\nbrand = 'Yinke'\nbrnd = 'x'\n[nowhere]\nat = 'all'").unwrap();
        let mut areas = Areas { left, missing: Vec::new() };
        assert_eq!(Texts::take(&mut areas).common.brand, "Yinke");
        let error = areas.finish().unwrap_err().to_string();
        for name in ["common.skip", "\"problem\"", "common.brnd", "nowhere.at"] {
            assert!(error.contains(name), "{name} in {error}");
        }
    }

    /// Both files are whole (or they would not load), nothing is empty, and the same facts go into both.
    #[test]
    fn both_languages_say_the_same() {
        let (zh, en) = (Texts::load(Lang::Zh).unwrap(), Texts::load(Lang::En).unwrap());
        let pairs = zh.named().into_iter().zip(en.named());
        let mut all: Vec<(String, String, String)> =
            pairs.map(|((name, zh), (_, en))| (name, zh.to_owned(), en.to_owned())).collect();
        for (area, zh, en) in [("problem", &zh.problem, &en.problem), ("done", &zh.done, &en.done)] {
            let unknown: Vec<_> = en.keys().filter(|name| !zh.contains_key(*name)).collect();
            assert!(unknown.is_empty(), "{area}: {unknown:?}");
            // English falls back on what the API itself says of a problem.
            assert!(area == "problem" || en.len() == zh.len(), "{area}");
            all.extend(en.iter().map(|(name, en)| (format!("{area}.{name}"), zh[name].clone(), en.clone())));
        }
        assert!(all.len() > 50, "the texts were not found");
        for (name, zh, en) in all {
            assert!(!zh.trim().is_empty() && !en.trim().is_empty(), "{name} is empty");
            assert_eq!(holes(&zh), holes(&en), "{name}");
            assert!(en.is_ascii() || en.contains(['…', '¥', '→', '中']), "{name} is not English: {en}");
        }
    }

    /// A half-width mark beside a Chinese character is a slip of the keyboard.
    #[test]
    fn chinese_has_its_own_punctuation() {
        let zh = Texts::load(Lang::Zh).unwrap();
        let named = zh.named().into_iter().map(|(name, text)| (name, text.to_owned()));
        let maps = [&zh.problem, &zh.detail, &zh.done].into_iter().flatten();
        for (name, text) in named.chain(maps.map(|(name, text)| (name.clone(), text.clone()))) {
            let chars: Vec<char> = text.chars().collect();
            let is_chinese = |c: &char| ('\u{3001}'..='\u{9fff}').contains(c);
            for pair in chars.windows(2) {
                let half = |c: &char| ",:;!?()".contains(*c);
                let slip =
                    (is_chinese(&pair[0]) && half(&pair[1])) || (half(&pair[0]) && is_chinese(&pair[1]));
                assert!(!slip, "{name} has {pair:?}: {text}");
            }
        }
    }
}
