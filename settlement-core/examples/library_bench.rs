//! How long the library's search takes, by kind of query: the slowest of a hundred questions and the usual one.
//!
//! `YINKE_TEST_POSTGRES_URL=postgres://... cargo run --release -p settlement-core --example library_bench
//! [PRODUCTS] [all|build|ask] [FOLDER]`. Makes up so many products of 2,000 shops with names as such products have them,
//! has the index built by the core's own job, and asks over the API without a socket. `build` and `ask` do one half each,
//! with the stores kept in FOLDER and in the schema `yk_library`, so that asking can have the machine to itself.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]
#![expect(clippy::print_stdout, reason = "it talks to a person")]

mod bench_core;

use bench_core::{Api, open};
use serde_json::{Value, json};
use settlement_core::store::{Param, StoreConfig, StoreError};
use settlement_core::{Clock, Core};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SHOPS: u64 = 2_000;
const CATEGORIES: u64 = 200;
/// Questions of one kind.
const QUESTIONS: u64 = 200;
/// The promise: the slowest of a hundred mixed questions.
const PROMISE: Duration = Duration::from_millis(50);

const KINDS: [&str; 24] = [
    "保温杯",
    "水杯",
    "茶壶",
    "雨伞",
    "背包",
    "台灯",
    "毛巾",
    "拖鞋",
    "风扇",
    "耳机",
    "手机壳",
    "充电器",
    "键盘",
    "鼠标",
    "枕头",
    "被子",
    "连衣裙",
    "衬衫",
    "牛仔裤",
    "运动鞋",
    "儿童玩具",
    "积木",
    "绘本",
    "面膜",
];
const LOOKS: [&str; 24] = [
    "不锈钢",
    "316不锈钢",
    "便携",
    "大容量",
    "小清新",
    "ins风",
    "学生",
    "办公室",
    "户外",
    "家用",
    "加厚",
    "防水",
    "无线",
    "蓝牙",
    "静音",
    "纯棉",
    "真丝",
    "网红",
    "新款",
    "夏季",
    "冬季",
    "可爱",
    "高级感",
    "定制",
];

/// Numbers that look drawn and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.roll(words.len() as u64)).unwrap()]
    }

    /// A character of 3,000, the first ones far more often: as in a language.
    fn character(&mut self) -> char {
        let (a, b) = (self.roll(3_000), self.roll(3_000));
        char::from_u32(0x4e00 + u32::try_from(a * b / 3_000).unwrap()).unwrap()
    }

    fn title(&mut self) -> String {
        let mut title = format!("{}{}{}", self.of(&LOOKS), self.of(&LOOKS), self.of(&KINDS));
        (0..4).for_each(|_| title.push(self.character()));
        let model = self.roll(26 * 26 * 1_000);
        let letter = |n: u64| char::from(b'A' + u8::try_from(n % 26).unwrap());
        format!("{title} {}{}{}", letter(model), letter(model / 26), model / 676)
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let products = args.first().map_or(1_000_000, |n| n.parse::<u64>().expect("a number of products"));
    let what = args.get(1).map_or("all", String::as_str);
    let kept = args.get(2).map(PathBuf::from);
    let folder = tempfile::tempdir_in(".").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let path = kept.as_deref().unwrap_or(folder.path()).join("library.db");
    let sqlite = StoreConfig::Sqlite { path };
    let mut slow = !runtime.block_on(run("SQLite", sqlite, products, what));
    match std::env::var("YINKE_TEST_POSTGRES_URL") {
        Ok(url) => {
            let schema = if kept.is_some() {
                "yk_library".to_owned()
            } else {
                format!("yk_library_{:016x}", getrandom::u64().unwrap())
            };
            let postgres = StoreConfig::Postgres { url, schema: Some(schema), connections: 3 };
            slow |= !runtime.block_on(run("PostgreSQL", postgres, products, what));
        }
        Err(_) => println!("PostgreSQL: not measured, YINKE_TEST_POSTGRES_URL is not set"),
    }
    if slow && what != "build" {
        println!("slower than promised");
        std::process::exit(1);
    }
}

async fn run(store: &str, config: StoreConfig, products: u64, what: &str) -> bool {
    if let StoreConfig::Sqlite { path } = &config {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
    }
    let core = open(config, Clock::System);
    let api = Api::of(&core).await;
    if what != "ask" {
        build(store, &core, &api, products).await;
    }
    let fast = what == "build" || ask(store, &api).await;
    core.close();
    fast
}

async fn build(store: &str, core: &Core, api: &Api, products: u64) {
    let began = Instant::now();
    api.call("PUT", "/v1/platforms/p1", json!({"name": "p1"})).await;
    api.call("PUT", "/v1/merchants/m0", json!({"platform": "p1", "name": "first"})).await;
    let rates = json!([{"bp": 500, "effective": {"from": 0}}]);
    let programme = json!({"platform": "p1", "name": "g", "preset": "distributor1688", "effective_from": 0,
                           "policy": {"commission": {"rates": rates}}});
    api.call("PUT", "/v1/programmes/g", programme).await;
    let mut dice = Dice(7);
    let shops: Vec<String> = (0..SHOPS)
        .map(|n| {
            format!(
                "('m{n}', 'p1', '{}{}旗舰店{n}', '[]', NULL, 'yk_click', 0, 0)",
                dice.character(),
                dice.of(&KINDS)
            )
        })
        .collect();
    let categories: Vec<String> = (1..=CATEGORIES)
        .map(|n| {
            format!(
                "({n}, 'c{n}', {}, 'c{n}', 0)",
                if n > 10 { (n % 10 + 1).to_string() } else { "NULL".to_owned() }
            )
        })
        .collect();
    write(core, format!(
        "INSERT INTO merchants (id, platform, name, hosts, shop_url, click_param, created_at, updated_at) VALUES {} \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name", shops.join(", ")), Vec::new()).await;
    write(
        core,
        format!(
            "INSERT INTO categories (num, id, parent, name, created_at) VALUES {}",
            categories.join(", ")
        ),
        Vec::new(),
    )
    .await;
    let rates: Vec<String> = (1..=CATEGORIES)
        .map(|n| format!("('g', {n}, '', NULL, 'category', 'c{n}', {}, 0, NULL, 0)", 100 + dice.roll(3_000)))
        .collect();
    write(core, format!(
        "INSERT INTO rates (programme, number, plan, class, subject_kind, subject, bp, from_ms, to_ms, recorded_ms) \
         VALUES {}", rates.join(", ")), Vec::new()).await;
    for first in (1..=products).step_by(2_000) {
        let last = (first + 1_999).min(products);
        let titles: Vec<String> = (first..=last).map(|_| dice.title()).collect();
        let rows: Vec<String> = (first..=last)
            .zip(1..)
            .map(|(n, place)| {
                let (shop, price, category) = (dice.roll(SHOPS), 100 + dice.roll(50_000), dice.roll(CATEGORIES) + 1);
                format!("({n}, 'product', 's{n}', 'm{shop}', ${place}, 'https://x.example.cn/{n}', {price}, {category}, \
                         NULL, NULL, 0, 'yk_click', 0, 0, 0, 0)")
            })
            .collect();
        let sql = format!(
            "INSERT INTO targets (num, kind, id, merchant, title, destination, price_fen, category, cancelled_from, \
             delisted_from, pass_query, click_param, created_at, updated_at, change_no, changed_at) VALUES {}",
            rows.join(", ")
        );
        write(core, sql, titles).await;
    }
    println!("{store}: {products} products written in {:.1} s", began.elapsed().as_secs_f64());
    write(
        core,
        "INSERT INTO library_stale (kind, id, after_target) VALUES ('all', '', 0) \
                 ON CONFLICT (kind, id) DO UPDATE SET after_target = 0"
            .to_owned(),
        Vec::new(),
    )
    .await;
    let began = Instant::now();
    let mut taken = 0;
    loop {
        match core.maintain(core.now()).await.unwrap().indexed {
            0 => break,
            some => taken += some,
        }
    }
    println!("{store}: index of {taken} products built in {:.1} s", began.elapsed().as_secs_f64());
}

async fn write(core: &Core, sql: String, texts: Vec<String>) {
    core.store()
        .write(move |tx| {
            let values: Vec<Param<'_>> = texts.iter().map(Param::from).collect();
            tx.execute(&sql, &values).map(|_| ())
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
}

/// A kind of question.
type Kind = (&'static str, fn(&mut Dice) -> Vec<(&'static str, String)>);

const ASKED: [Kind; 12] = [
    ("one common character", |dice| vec![("q", dice.of(&["杯", "水", "鞋", "新", "大"]).to_owned())]),
    ("one character by rate", |dice| {
        vec![("q", dice.of(&["杯", "水", "鞋", "新", "大"]).to_owned()), ("sort", "rate".to_owned())]
    }),
    ("any character by commission", |dice| {
        vec![("q", dice.character().to_string()), ("sort", "commission".to_owned())]
    }),
    ("two common characters by commission", |dice| {
        vec![
            ("q", dice.of(&["保温", "水杯", "新款", "蓝牙", "户外"]).to_owned()),
            ("sort", "commission".to_owned()),
        ]
    }),
    ("two common characters by rate", |dice| {
        vec![
            ("q", dice.of(&["保温", "水杯", "新款", "蓝牙", "户外"]).to_owned()),
            ("sort", "rate".to_owned()),
        ]
    }),
    ("two rare characters", |dice| vec![("q", format!("{}{}", dice.character(), dice.character()))]),
    ("a word of three and more by commission", |dice| {
        vec![("q", dice.of(&KINDS).to_owned()), ("sort", "commission".to_owned())]
    }),
    ("two words by rate", |dice| {
        vec![("q", format!("{} {}", dice.of(&LOOKS), dice.of(&KINDS))), ("sort", "rate".to_owned())]
    }),
    ("Latin", |dice| {
        vec![(
            "q",
            format!("{}{}", char::from(b'a' + u8::try_from(dice.roll(26)).unwrap()), dice.roll(1_000)),
        )]
    }),
    ("a shop's name by commission", |dice| {
        vec![("shop", dice.of(&KINDS).to_owned()), ("sort", "commission".to_owned())]
    }),
    ("a category with all below by rate", |dice| {
        vec![("category", format!("c{}", dice.roll(10) + 1)), ("sort", "rate".to_owned())]
    }),
    ("everything by commission", |_| vec![("sort", "commission".to_owned())]),
];

async fn ask(store: &str, api: &Api) -> bool {
    let mut all = Vec::new();
    println!("{store}: {QUESTIONS} questions of each kind, 20 products a page");
    println!("{:<42} {:>9} {:>9} {:>9}", "kind", "p50 ms", "p99 ms", "max ms");
    for (kind, question) in ASKED {
        let mut dice = Dice(11);
        let mut times = Vec::new();
        for n in 0..QUESTIONS + 5 {
            let pairs = question(&mut dice);
            let query = url::form_urlencoded::Serializer::new("limit=20".to_owned())
                .extend_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())))
                .finish();
            let began = Instant::now();
            let page = api.call("GET", &format!("/v1/products?{query}"), Value::Null).await;
            let took = began.elapsed();
            assert!(page["items"].is_array(), "{page}");
            // The first ones find nothing in memory.
            if n >= 5 {
                times.push(took);
            }
        }
        show(kind, &mut times);
        all.append(&mut times);
    }
    show("all together", &mut all) < PROMISE
}

fn show(kind: &str, times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    println!("{kind:<42} {:>9.2} {:>9.2} {:>9.2}", ms(at(50)), ms(at(99)), ms(at(100)));
    at(99)
}
