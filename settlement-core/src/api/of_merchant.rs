//! A list of what one merchant has, newest first: its parameters, and who may read it.

use super::{PageLength, PageParams, Principal, Problem};
use attribution_core::ids::MerchantId;
use serde::Deserialize;

/// Whose.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfMerchant {
    /// The merchant.
    merchant: String,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Where a page of such a list begins: behind what was made at this time, in milliseconds since 1970, with this id.
pub(crate) type After = (i64, [String; 1]);

impl OfMerchant {
    /// The merchant, how long the page may be, and where it begins. Operators, and the merchant.
    ///
    /// # Errors
    /// 403 for everybody else; if the merchant is no id, the limit out of range, or the cursor not one of this list.
    pub(crate) fn begin(
        self,
        reader: &Principal,
    ) -> Result<(MerchantId, PageLength, Option<After>), Problem> {
        reader.require_merchant(&self.merchant)?;
        let merchant = self.merchant.parse().map_err(|error| Problem::invalid("merchant", error))?;
        let (page, after) = PageParams { limit: self.limit, cursor: self.cursor }.begin()?;
        Ok((merchant, page, after.number_and_texts()?))
    }
}
