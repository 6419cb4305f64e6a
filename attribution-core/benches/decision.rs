//! What one decision on an order line costs: `cargo bench -p attribution-core`.
//!
//! Twenty candidates in the window, as the core reads them: of several promoters, in no order, some delivered twice,
//! some that do not count. The answer owns the ids it names; that is the explanation.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use attribution_core::attribute::{EdgesCaughtUp, Facts, OrderLine, attribute};
use attribution_core::click::ClickId;
use attribution_core::commission::class::History;
use attribution_core::fold::{Click, ClickTarget, Evidence, Ineligible};
use attribution_core::ids::{
    CategoryId, LineId, MerchantId, OrderId, PlacementId, PlatformId, ProductId, ProgrammeId, PromoterId,
};
use attribution_core::money::{BasisPoints, Fen};
use attribution_core::policy::commission::{PlanRef, Rate, Subject};
use attribution_core::policy::settlement::PayMethod;
use attribution_core::policy::{PolicyVersion, Preset};
use attribution_core::time::{DAY_MS, HOUR_MS, Instant, Period};
use criterion::{Criterion, criterion_group, criterion_main};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

const ORDER: Instant = Instant(1_770_000_000_000);

fn target() -> ClickTarget {
    ClickTarget {
        platform: PlatformId::new("1688").unwrap(),
        merchant: MerchantId::new("shop-yongkang-0042").unwrap(),
        product: Some(ProductId::new("product-000000815").unwrap()),
    }
}

/// Within the last ten days, five promoters in turn.
fn click(number: u8) -> Click {
    let at = ORDER.plus(-i64::from(number) * 12 * HOUR_MS);
    let mut id = [0u8; 16];
    id[0] = number.wrapping_mul(97);
    Click {
        id: ClickId(id),
        received: at,
        ingested: at.plus(1_500),
        promoter: PromoterId::new(format!("promoter-{:06}", number % 5)).unwrap(),
        placement: PlacementId::new(format!("placement-{:06}", number % 5)).unwrap(),
        target: target(),
        link_expires: None,
        qr: false,
        ineligible: number.is_multiple_of(7).then_some(Ineligible::Bot),
        evidence: Evidence::Journal,
    }
}

fn decisions(c: &mut Criterion) {
    let clicks: Vec<Click> = (1..=20).map(|n| click(n * 7 % 23)).collect();
    let line = OrderLine {
        platform: target().platform,
        order: OrderId::new("2026-0202-000001").unwrap(),
        line: LineId::new("1").unwrap(),
        merchant: target().merchant,
        product: target().product,
        categories: vec![CategoryId::new("cups").unwrap(), CategoryId::new("home").unwrap()],
        created: ORDER,
        paid: Some(ORDER.plus(60_000)),
        method: Some(PayMethod::Alipay),
        base: Fen(9_900),
        coupon: None,
        channel: None,
        token: None,
    };
    let rates = [Rate {
        plan: PlanRef::General,
        class: None,
        subject: Subject::Product(target().product.unwrap()),
        bp: Some(BasisPoints::new(500).unwrap()),
        effective: Period::since(Instant(0)),
    }];
    let (own, promoters, shared) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    for preset in [Preset::Distributor1688, Preset::YouzanPermanent, Preset::TaobaoLive] {
        let version = PolicyVersion {
            programme: ProgrammeId::new("programme-01").unwrap(),
            version: 1,
            effective: Period::since(Instant(0)),
            policy: preset.policy(),
        };
        let facts = Facts {
            clicks: &clicks,
            prior_orders: &[],
            own_promoters: &own,
            history: History::FirstSuccess(ORDER.plus(-30 * DAY_MS)),
            rates: &rates,
            plans: &[],
            bans: &[],
            promoters: &promoters,
            withdrawn: &[],
            versions: &[],
            shared: &shared,
            settled: None,
            edges: EdgesCaughtUp::Since(ORDER),
            now: ORDER.plus(HOUR_MS),
        };
        assert!(attribute(&version, &line, &facts).unwrap().award().is_some());
        c.bench_function(&format!("decision/20 candidates, {}", preset.name()), |b| {
            b.iter(|| attribute(black_box(&version), black_box(&line), black_box(&facts)).unwrap());
        });
    }
}

criterion_group!(benches, decisions);
criterion_main!(benches);
