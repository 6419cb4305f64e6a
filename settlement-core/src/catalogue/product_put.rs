//! Makes and changes products: one, or a list of which all are saved or none.

use super::feed::Numbers;
use super::merchants::{self, Merchant};
use super::products::{ProductView, stored};
use super::targets::{self, NewTarget, Target};
use super::{categories, checked_name};
use crate::api::{
    Merchants, Mistakes, Only, Params, PathId, Principal, Problem, Role, Write, all_of, parse_part, verdict,
};
use crate::destination::checked;
use crate::library_marks;
use crate::store::{StoreError, Tx};
use crate::{Core, CoreConfig};
use attribution_core::ids::{CategoryId, MerchantId, ProductId};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use utoipa::PartialSchema as _;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Products of one request at most.
const BULK_MAX: usize = 10_000;

/// A product to make or change.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutProduct {
    /// The merchant that sells it.
    #[schema(value_type = String)]
    merchant: MerchantId,
    /// Its name.
    title: String,
    /// Its page: an absolute http(s) URL.
    url: String,
    /// List price in fen.
    price_fen: Option<i64>,
    /// Its category; an operator's request makes one that is new, a merchant's names one that is there.
    #[schema(value_type = Option<String>)]
    category: Option<CategoryId>,
    /// Address of its picture, for the cards of link previews: an absolute http(s) URL.
    image_url: Option<String>,
    /// The visitor's own query is appended to the URL.
    #[serde(default)]
    pass_query: bool,
}

/// Products to make or change: all of them or none.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutProducts {
    /// Each is read by itself, so that each mistake is named.
    #[schema(schema_with = entries)]
    products: Vec<Value>,
}

/// How the list is described: an entry has the product's id, and the rest as for one product.
fn entries() -> Array {
    let mut entry = PutProduct::schema();
    if let RefOr::T(Schema::Object(fields)) = &mut entry {
        let id = ObjectBuilder::new().schema_type(Type::String).description(Some("Its id.")).build();
        fields.properties.insert("id".to_owned(), id.into());
        fields.required.push("id".to_owned());
        fields.description = None;
    }
    ArrayBuilder::new()
        .description(Some(format!("1 to {BULK_MAX} products, each of them once.")))
        .items(entry)
        .min_items(Some(1))
        .max_items(Some(BULK_MAX))
        .build()
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Only say whether they could be saved, and save nothing.
    #[serde(default)]
    check: bool,
}

/// What became of a list of products.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SavedProducts {
    /// Products that are new.
    made: usize,
    /// Products that were there, whether or not anything about them is new.
    changed: usize,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(put_product)).routes(routes!(put_products))
}

/// A product as it was sent.
struct Sent {
    id: ProductId,
    body: PutProduct,
}

impl Sent {
    /// Takes an entry of a list apart.
    fn read(mut entry: Value) -> Result<Self, Problem> {
        let id = entry.as_object_mut().and_then(|fields| fields.remove("id")).unwrap_or_default();
        let id = serde_json::from_value(id).map_err(|why| Problem::invalid("id", why))?;
        Ok(Self { id, body: parse_part(entry.to_string().as_bytes())? })
    }

    /// Each entry of a list, once.
    fn read_all(entries: Vec<Value>) -> Vec<Result<Self, Problem>> {
        let mut seen = HashSet::new();
        let read = entries.into_iter().map(|entry| {
            let sent = Self::read(entry)?;
            if !seen.insert(sent.id.clone()) {
                return Err(Problem::invalid("id", "stands in the list already"));
            }
            Ok(sent)
        });
        read.collect()
    }
}

/// A product that may be saved.
struct Fit<'s> {
    sent: &'s Sent,
    merchant: Rc<Merchant>,
    destination: String,
    picture: Option<String>,
    is_new: bool,
}

impl Fit<'_> {
    fn save(&self, tx: &mut dyn Tx, numbers: &mut Numbers, now: Instant) -> Result<(), StoreError> {
        let Sent { id, body } = self.sent;
        let category = body.category.as_ref().map(|id| categories::number(tx, id, now)).transpose()?;
        let target = NewTarget {
            kind: "product",
            id: id.as_str(),
            merchant: &self.merchant.id,
            title: &body.title,
            destination: &self.destination,
            price_fen: body.price_fen,
            category,
            pass_query: body.pass_query,
            click_param: &self.merchant.click_param,
            image_url: self.picture.as_deref(),
            app_page: self.merchant.app_page.as_deref(),
        };
        let num = targets::put(tx, &target, numbers, now)?;
        library_marks::product(tx, num)
    }
}

/// Whether the products of one request may be saved. What they have in common is looked up once.
struct Checker<'a> {
    config: &'a CoreConfig,
    principal: &'a Principal,
    merchants: HashMap<MerchantId, Option<Rc<Merchant>>>,
    /// Those that there are already.
    there: HashMap<ProductId, Target>,
    /// Whether there are these categories.
    categories: HashMap<CategoryId, bool>,
}

impl<'a> Checker<'a> {
    fn new<'s>(
        tx: &mut dyn Tx,
        config: &'a CoreConfig,
        principal: &'a Principal,
        sent: impl Iterator<Item = &'s Sent>,
    ) -> Result<Self, StoreError> {
        let ids: Vec<&ProductId> = sent.map(|sent| &sent.id).collect();
        let there = targets::find_products(tx, &ids)?.into_iter().collect();
        Ok(Self { config, principal, merchants: HashMap::new(), there, categories: HashMap::new() })
    }

    fn check<'s>(&mut self, tx: &mut dyn Tx, sent: &'s Sent) -> Result<Fit<'s>, Problem> {
        let Sent { id, body } = sent;
        self.principal.require_merchant(body.merchant.as_str())?;
        let merchant = self.merchant(tx, &body.merchant)?;
        let known = body.category.as_ref().map_or(Ok(()), |category| self.refuse_new(tx, category));
        let priced = body.price_fen.is_none_or(|price| price >= 0);
        let destination = checked("url", &body.url, &merchant.hosts, self.config);
        let picture = body.image_url.as_ref().map(|url| checked("image_url", url, &[], self.config));
        let picture = picture.transpose();
        all_of([
            checked_name("title", &body.title),
            priced.then_some(()).ok_or_else(|| Problem::invalid("price_fen", "must not be negative")),
            known,
            verdict(&destination),
            verdict(&picture),
        ])?;
        let (destination, picture) = (destination?, picture?);
        let before = self.there.get(id);
        if let Some(old) = before.filter(|old| old.merchant != merchant.id) {
            return Err(Problem::conflict(
                "merchant_mismatch",
                format!("product {id} belongs to merchant {}", old.merchant),
            ));
        }
        Ok(Fit { sent, merchant, destination, picture, is_new: before.is_none() })
    }

    /// Everybody's library has each category: a merchant makes none by a slip of the pen.
    fn refuse_new(&mut self, tx: &mut dyn Tx, id: &CategoryId) -> Result<(), Problem> {
        if self.principal.role != Role::Merchant {
            return Ok(());
        }
        let there = match self.categories.entry(id.clone()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => *place.insert(categories::is_there(tx, id)?),
        };
        if there { Ok(()) } else { Err(Problem::unknown("category", id).about("category")) }
    }

    fn merchant(&mut self, tx: &mut dyn Tx, id: &MerchantId) -> Result<Rc<Merchant>, Problem> {
        let found = match self.merchants.entry(id.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(merchants::find(tx, id)?.map(Rc::new)),
        };
        found.clone().ok_or_else(|| Problem::unknown("merchant", id).about("merchant"))
    }
}

/// Checks a list: all of it may be saved, or every entry that may not is named.
fn check_all<'s>(
    tx: &mut dyn Tx,
    config: &CoreConfig,
    principal: &Principal,
    list: &'s [Result<Sent, Problem>],
) -> Result<Vec<Fit<'s>>, Problem> {
    let mut checker = Checker::new(tx, config, principal, list.iter().flatten())?;
    let (mut fit, mut mistakes) = (Vec::with_capacity(list.len()), Mistakes::default());
    for (index, sent) in list.iter().enumerate() {
        let checked = sent.as_ref().map_err(Clone::clone).and_then(|sent| checker.check(tx, sent));
        fit.extend(mistakes.sort(index, checked)?);
    }
    mistakes
        .refuse("invalid_products", |count| format!("{count} of the products cannot be saved; none was"))?;
    Ok(fit)
}

impl SavedProducts {
    fn of(products: &[Fit<'_>]) -> Self {
        let made = products.iter().filter(|product| product.is_new).count();
        Self { made, changed: products.len() - made }
    }
}

/// Makes a product or changes it; its dated state stays. Operators and its merchant.
#[utoipa::path(
    put, path = "/v1/products/{id}", params(("id" = String, Path)),
    request_body(content = PutProduct, example = json!({
        "merchant": "tea", "title": "316不锈钢保温杯", "price_fen": 8_900, "url": "https://shop.example.cn/cup",
        "image_url": "https://shop.example.cn/cup.jpg"
    })),
    responses((status = 200, body = ProductView), (status = 201, body = ProductView))
)]
async fn put_product(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<ProductId>,
    write: Write<PutProduct>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope.principal.require_merchant(body.merchant.as_str())?;
    let sent = Sent { id, body };
    let config = core.config().clone();
    scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, 1)?;
            let mut checker = Checker::new(tx, &config, &scope.principal, std::iter::once(&sent))?;
            let product = checker.check(tx, &sent)?;
            product.save(tx, &mut numbers, scope.now)?;
            let status = if product.is_new { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, stored(tx, &sent.id, scope.now)?))
        })
        .await
}

/// Makes many products or changes them: all of them, or none and a list of mistakes. Their dated states stay. Operators,
/// and merchants their own.
#[utoipa::path(
    put, path = "/v1/products", params(Wish),
    request_body(content = PutProducts, example = json!({"products": [
        {"id": "cup", "merchant": "tea", "title": "316不锈钢保温杯", "price_fen": 8_900, "url": "https://shop.example.cn/cup"},
        {"id": "pot", "merchant": "tea", "title": "紫砂壶", "price_fen": 26_800, "url": "https://shop.example.cn/pot"}
    ]})),
    responses(
        (status = 200, description = "All were saved, or with `check` could be", body = SavedProducts),
        (status = 422, description = "`invalid_products`: none was saved, and `errors` has `index`, `code`, `detail` and \
         `field` of each that cannot be; `invalid` or `invalid_body`: the request as a whole makes no sense")
    )
)]
async fn put_products(
    State(core): State<Core>,
    _: Only<Merchants>,
    Params(wish): Params<Wish>,
    write: Write<PutProducts>,
) -> Result<Response, Problem> {
    let Write { body: PutProducts { products }, scope } = write;
    if products.is_empty() || products.len() > BULK_MAX {
        return Err(Problem::invalid("products", format!("1 to {BULK_MAX}")));
    }
    let list = Sent::read_all(products);
    let config = core.config().clone();
    if wish.check {
        let check = move |tx: &mut dyn Tx| {
            check_all(tx, &config, &scope.principal, &list).map(|fit| SavedProducts::of(&fit))
        };
        return Ok(Json(core.store().read(check).await?).into_response());
    }
    scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, list.len())?;
            let products = check_all(tx, &config, &scope.principal, &list)?;
            for product in &products {
                product.save(tx, &mut numbers, scope.now)?;
            }
            Ok((StatusCode::OK, SavedProducts::of(&products)))
        })
        .await
}
