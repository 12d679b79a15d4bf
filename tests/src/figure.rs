//! A figure as an office submits it, for loads that need many.
//! In: a province and an id. Out: data that its contract takes. Never: the same figure for two ids.

use serde_json::{Value, json};

/// The type of a market price.
pub const PRICE_TYPE: &str = "kh.gov.maff.market-price.submitted.v1";

/// A market's price of rice.
pub fn price(pcode: &str, id: &str) -> Value {
    json!({
        "period": "2026-07",
        "date": "2026-07-15",
        "admin1_code": pcode,
        "market": format!("Psar {id}"),
        "category": "cereals and tubers",
        "commodity": "Rice (mixed, low quality)",
        "unit": "KG",
        "priceflag": "actual",
        "pricetype": "Retail",
        "currency": "KHR",
        "price": "2400",
        "usdprice": "0.60",
    })
}
