//! All texts, by name: one struct per area, filled from `texts/zh.toml` and `texts/en.toml`.
//!
//! A template that names a text that does not exist does not compile; a language that lacks one, or has one that nobody
//! knows, fails at the start and in the tests. `{name}` in a text is replaced with [`fill`].

use crate::lang::Lang;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A built-in text file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("texts/{lang}.toml")]
pub struct TextsError {
    lang: &'static str,
    source: Box<toml::de::Error>,
}

macro_rules! texts {
    ($( $(#[$doc:meta])* $area:ident: $name:ident { $($text:ident),* $(,)? } )*) => {
        /// All texts of one language.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
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
            #[derive(Debug, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(crate) struct $name { $( pub(crate) $text: String, )* }
        )*

        impl Texts {
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
        search, show,
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
        password_hint, sign_up_submit, sign_in_link, closed,
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
        nothing_found_words, show_all, empty_title, empty_words, promote, select, unselect, earn, price, rate, no_rate,
        dead, dead_cancelled, dead_delisted, dead_banned, dead_expired, dead_not_started, dead_disabled, dead_other,
        selection_nav, selection_title, selection_empty, selection_empty_words, selected_at,
    }
    /// Links and QR codes.
    links: LinkTexts {
        nav, title, all, product, url, placement, programme, state, until, forever, live, many, none_like_this,
        empty_title, empty_words, qr, get_png, get_svg, alias, share_words, preview, destination, shared, starts,
        products, products_hint, bad_count, many_words, make_many, qr_png,
    }
    /// Orders and their explanations.
    orders: OrderTexts {
        nav, title, all, order, line, product, at, base, earn, state, tracked, expected, matured, settled, invalid,
        manual, review, provisional, none_like_this, empty_title, empty_words, why, steps,
    }
    /// Notices.
    notices: NoticeTexts {
        nav, title, empty_title, empty_words, mark, unread, promotion_cancelled, product_delisted, product_back, link_expired,
        application_approved, application_rejected, withdrawal_paid, withdrawal_returned,
    }
    /// Balance, withdrawals, account.
    money: MoneyTexts {
        nav, title, empty_title, empty_words, balance, programme, available, expected, earned, clearing, debt_words, what_is,
        expected_words, earned_words, available_words, clearing_words, withdraw, amount, amount_hint, bad_amount, bind_first,
        nothing_available, account, no_account, kind, alipay, bank_card, company_alipay, number, number_hint, holder,
        holder_hint, real_name, verified, not_verified, bind, change_account, history, no_history, at, what, gross, collected,
        paid, state, kind_run, kind_withdrawal, state_available, state_clearing, state_paid, state_returned, state_carried,
        state_failed,
    }
    /// Monthly statements.
    statements: StatementTexts {
        nav, title, month, open_words, empty_title, empty_words, opening, settled, taken_back, collected, paid, other,
        closing, movements, order, amount,
    }
    /// Results by day.
    reports: ReportTexts {
        nav, title, from, to, bad_day, bad_range, words, chart,
    }
}

impl Texts {
    /// Reads the built-in file of a language.
    pub(crate) fn load(lang: Lang) -> Result<Self, TextsError> {
        let file = match lang {
            Lang::Zh => include_str!("../texts/zh.toml"),
            Lang::En => include_str!("../texts/en.toml"),
        };
        toml::from_str(file).map_err(|error| TextsError { lang: lang.name(), source: Box::new(error) })
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

    /// Both files are whole (or they would not load), nothing is empty, and the same facts go into both.
    #[test]
    fn both_languages_say_the_same() {
        let (zh, en) = (Texts::load(Lang::Zh).unwrap(), Texts::load(Lang::En).unwrap());
        let pairs = zh.named().into_iter().zip(en.named());
        let mut all: Vec<(String, String, String)> =
            pairs.map(|((name, zh), (_, en))| (name, zh.to_owned(), en.to_owned())).collect();
        for (area, zh, en) in [("problem", &zh.problem, &en.problem), ("done", &zh.done, &en.done)] {
            let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(zh), names(en), "{area}");
            all.extend(
                zh.iter().map(|(name, text)| (format!("{area}.{name}"), text.clone(), en[name].clone())),
            );
        }
        assert!(all.len() > 50, "the texts were not found");
        for (name, zh, en) in all {
            assert!(!zh.trim().is_empty() && !en.trim().is_empty(), "{name} is empty");
            assert_eq!(holes(&zh), holes(&en), "{name}");
            assert!(en.is_ascii() || en.contains(['…', '¥', '→', '中']), "{name} is not English: {en}");
        }
    }
}
