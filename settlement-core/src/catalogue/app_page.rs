//! What a merchant says of browsers that cannot simply be sent to its pages: the app they are offered, and the apps in
//! whose browsers its pages do not open.

use crate::api::Problem;
use crate::store::StoreError;
use attribution_core::app_page::{AppLink, AppPage, InApp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The page between a tap and a merchant's own pages, for browsers that need one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AppPageBody {
    /// Where the button "open in the app" leads on iOS, such as `taobao://{address}`: `{url}` stands for the
    /// destination, percent-encoded, `{address}` for the destination without its scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ios: Option<String>,
    /// The same on Android.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    android: Option<String>,
    /// Apps in whose browsers the merchant's pages do not open: `wechat`, `qq`, `alipay`, `taobao`, `douyin`. There
    /// people are asked to open the page in their browser.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["wechat"]))]
    not_in: Vec<InApp>,
}

impl AppPageBody {
    /// As edges know it; none if it says nothing.
    ///
    /// # Errors
    /// If a template is none.
    pub(super) fn checked(self) -> Result<Option<AppPage>, Problem> {
        for (field, template) in [("app_page.ios", &self.ios), ("app_page.android", &self.android)] {
            if let Some(text) = template {
                AppLink::parse(text).map_err(|why| Problem::invalid(field, why))?;
            }
        }
        let mut not_in = self.not_in;
        not_in.sort_unstable_by_key(|app| *app as u8);
        not_in.dedup();
        let page = AppPage { ios: self.ios, android: self.android, not_in };
        Ok((page != AppPage::default()).then_some(page))
    }
}

impl From<AppPage> for AppPageBody {
    fn from(AppPage { ios, android, not_in }: AppPage) -> Self {
        Self { ios, android, not_in }
    }
}

/// As it is stored.
pub(super) fn stored(text: Option<&str>) -> Result<Option<AppPage>, StoreError> {
    text.map(serde_json::from_str).transpose().map_err(StoreError::corrupt("page in between"))
}
