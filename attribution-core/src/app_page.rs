//! Destinations that open better in their own app, or not at all inside another one: which browsers get a page in
//! between, and where its button leads.
//!
//! Which destinations need it is data of the merchant. An app that a person is in cannot be asked to open another app,
//! so inside one there is only "open this in your browser"; a phone's own browser can, and is offered the app.

use serde::{Deserialize, Serialize};

/// Bytes of a template at most.
pub const TEMPLATE_MAX: usize = 512;

/// An app with a browser of its own, told by its User-Agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InApp {
    /// WeChat (微信), WeCom included.
    Wechat,
    /// QQ.
    Qq,
    /// Alipay (支付宝).
    Alipay,
    /// Taobao (淘宝) and Tmall (天猫).
    Taobao,
    /// Douyin (抖音).
    Douyin,
}

/// What stands in an agent of each. QQ's own browser is an ordinary one: it says `MQQBrowser/`.
const AGENTS: [(&[u8], InApp); 8] = [
    (b"MicroMessenger/", InApp::Wechat),
    (b"AlipayClient/", InApp::Alipay),
    (b"AliApp(AP/", InApp::Alipay),
    (b"AliApp(TB/", InApp::Taobao),
    (b"AliApp(TM/", InApp::Taobao),
    (b" aweme", InApp::Douyin),
    (b"AppName/aweme", InApp::Douyin),
    (b" QQ/", InApp::Qq),
];

impl InApp {
    /// The app whose browser sends this agent; none for an ordinary browser.
    pub fn of(agent: &[u8]) -> Option<Self> {
        AGENTS.iter().find(|(text, _)| holds(agent, text)).map(|(_, app)| *app)
    }
}

fn holds(agent: &[u8], text: &[u8]) -> bool {
    agent.windows(text.len()).any(|window| window == text)
}

/// What an edge must know of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AppPage {
    /// Where the button leads on iOS: see [`AppLink`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ios: Option<String>,
    /// And on Android.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub android: Option<String>,
    /// Apps in whose browsers the destination does not open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_in: Vec<InApp>,
}

/// Why a template is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppLinkError {
    /// No scheme in front, or one that runs or reads something in the browser itself.
    #[error("begins with no scheme of an app, such as `taobao:`")]
    Scheme,
    /// Something that cannot stand in an address.
    #[error("holds a character that cannot stand in an address")]
    Character,
    /// Braces around something else.
    #[error("may hold {{url}} and {{address}}, and no other braces")]
    Placeholder,
    /// Too long.
    #[error("is longer than {TEMPLATE_MAX} bytes")]
    TooLong,
}

/// The address of a page in an app: a template, in which `{url}` stands for the destination, percent-encoded, and
/// `{address}` for the destination as it is, without its scheme: `taobao://{address}`,
/// `alipays://platformapi/startapp?appId=20000067&url={url}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppLink(String);

/// Schemes that name no app.
const NO_APP: [&str; 7] = ["javascript", "data", "vbscript", "file", "blob", "about", "http"];

impl AppLink {
    /// Reads a template.
    ///
    /// # Errors
    /// If a browser must not be offered it.
    pub fn parse(text: &str) -> Result<Self, AppLinkError> {
        if text.len() > TEMPLATE_MAX {
            return Err(AppLinkError::TooLong);
        }
        let (scheme, _) = text.split_once(':').ok_or(AppLinkError::Scheme)?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(fits);
        if !is_scheme || NO_APP.iter().any(|none| none.eq_ignore_ascii_case(scheme)) {
            return Err(AppLinkError::Scheme);
        }
        let bad =
            |b: u8| !b.is_ascii_graphic() || matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'|');
        if text.bytes().any(bad) {
            return Err(AppLinkError::Character);
        }
        if text.replace("{url}", "").replace("{address}", "").contains(['{', '}']) {
            return Err(AppLinkError::Placeholder);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address for a destination, an absolute http(s) URL.
    pub fn to(&self, destination: &str) -> String {
        let address = destination.split_once("://").map_or(destination, |(_, rest)| rest);
        // The address last: it may hold braces of its own.
        self.0.replace("{url}", &encoded(destination)).replace("{address}", address)
    }
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
            out.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
        }
    }
    out
}

/// How a browser gets to the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way<'a> {
    /// By a redirect, without a page.
    Direct,
    /// Not from inside this app: it is asked to open the page in a browser.
    OutOf(InApp),
    /// In the app, if the person wants to.
    App(&'a AppLink),
}

/// An [`AppPage`] whose templates are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppWays {
    ios: Option<AppLink>,
    android: Option<AppLink>,
    not_in: Vec<InApp>,
}

impl AppWays {
    /// Reads the templates.
    ///
    /// # Errors
    /// If one is none.
    pub fn of(page: &AppPage) -> Result<Self, AppLinkError> {
        let read = |text: &Option<String>| text.as_deref().map(AppLink::parse).transpose();
        Ok(Self { ios: read(&page.ios)?, android: read(&page.android)?, not_in: page.not_in.clone() })
    }

    /// The way of a browser with this agent.
    pub fn way(&self, agent: &[u8]) -> Way<'_> {
        let app = match InApp::of(agent) {
            Some(app) if self.not_in.contains(&app) => return Way::OutOf(app),
            // It opens there, and another app could not be opened from there.
            Some(_) => None,
            None if [&b"iPhone"[..], b"iPad", b"iPod"].iter().any(|text| holds(agent, text)) => {
                self.ios.as_ref()
            }
            None if [&b"Android"[..], b"HarmonyOS"].iter().any(|text| holds(agent, text)) => {
                self.android.as_ref()
            }
            None => None,
        };
        app.map_or(Way::Direct, Way::App)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                          Gecko) Version/17.4 Mobile/15E148 Safari/604.1";
    const ANDROID: &str = "Mozilla/5.0 (Linux; Android 13; M2102J2SC) AppleWebKit/537.36 (KHTML, like Gecko) \
                           Chrome/122.0.0.0 Mobile Safari/537.36";

    #[test]
    fn every_labelled_app_is_told_by_its_agent() {
        let rows = [
            (" MicroMessenger/8.0.47(0x18002f2c) NetType/4G", Some(InApp::Wechat)),
            (" wxwork/4.1.20 MicroMessenger/7.0.1 NetType/WIFI", Some(InApp::Wechat)),
            (" NebulaSDK/1.8 Nebula AliApp(AP/10.5.86.6000) AlipayClient/10.5.86.6000", Some(InApp::Alipay)),
            (" AliApp(TB/10.31.10) WindVane/8.7.2", Some(InApp::Taobao)),
            (" AliApp(TM/15.2.0) WindVane/8.7.2 T-UA", Some(InApp::Taobao)),
            (" aweme_29.3.0 JsSdk/2.0 NetType/WIFI", Some(InApp::Douyin)),
            (" aweme.lite_280500 JsSdk/1.0 AppName/aweme_lite", Some(InApp::Douyin)),
            (" V1_AND_SQ_8.9.88_4852_YYB_D QQ/8.9.88.13035 NetType/4G", Some(InApp::Qq)),
            (" MQQBrowser/14.9 TBS/046625 Mobile Safari/537.36", None),
            (" AliApp(DingTalk/7.5.10)", None),
            ("", None),
        ];
        for (agent, app) in rows {
            for device in [IPHONE, ANDROID] {
                assert_eq!(InApp::of(format!("{device}{agent}").as_bytes()), app, "{agent}");
            }
        }
    }

    #[test]
    fn templates_hold_nothing_that_a_browser_would_run() {
        let rows = [
            ("taobao://{address}", None),
            ("alipays://platformapi/startapp?appId=20000067&url={url}", None),
            ("weixin://dl/business/?t=abc", None),
            ("https://app.shop.cn/open?u={url}", None),
            ("javascript:alert({url})", Some(AppLinkError::Scheme)),
            ("JavaScript:alert(1)", Some(AppLinkError::Scheme)),
            ("data:text/html,{url}", Some(AppLinkError::Scheme)),
            ("{url}", Some(AppLinkError::Scheme)),
            ("//{address}", Some(AppLinkError::Scheme)),
            (" taobao://x", Some(AppLinkError::Scheme)),
            ("taobao://a b", Some(AppLinkError::Character)),
            ("taobao://\"onclick=", Some(AppLinkError::Character)),
            ("taobao://{uri}", Some(AppLinkError::Placeholder)),
            ("taobao://{url", Some(AppLinkError::Placeholder)),
        ];
        for (text, error) in rows {
            assert_eq!(AppLink::parse(text).err(), error, "{text}");
        }
        let long = format!("taobao:{}", "a".repeat(TEMPLATE_MAX));
        assert_eq!(AppLink::parse(&long).err(), Some(AppLinkError::TooLong));
    }

    #[test]
    fn a_destination_is_put_into_a_template() {
        let to = |template| AppLink::parse(template).unwrap().to("https://item.taobao.com/i?id=1&a={url}#x");
        assert_eq!(to("taobao://{address}"), "taobao://item.taobao.com/i?id=1&a={url}#x");
        assert_eq!(
            to("tbopen://m?h5Url={url}"),
            "tbopen://m?h5Url=https%3A%2F%2Fitem.taobao.com%2Fi%3Fid%3D1%26a%3D%7Burl%7D%23x"
        );
    }

    #[test]
    fn each_browser_gets_its_way() {
        let page = AppPage {
            ios: Some("taobao://{address}".to_owned()),
            android: None,
            not_in: vec![InApp::Wechat, InApp::Douyin],
        };
        let ways = AppWays::of(&page).unwrap();
        let way = |device: &str, app: &str| ways.way(format!("{device}{app}").as_bytes());
        assert!(matches!(way(IPHONE, ""), Way::App(_)));
        assert_eq!(way(ANDROID, ""), Way::Direct);
        assert_eq!(way("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/122.0.0.0", ""), Way::Direct);
        assert_eq!(way(IPHONE, " MicroMessenger/8.0"), Way::OutOf(InApp::Wechat));
        assert_eq!(way(ANDROID, " aweme_290100"), Way::OutOf(InApp::Douyin));
        assert_eq!(way(IPHONE, " AliApp(TB/10.31.10)"), Way::Direct);
    }
}
