//! MAFF's price bulletin, made from what MAFF HQ received.
//! In: events of market-prices. Out: one bulletin for the latest month in them. Never: a price that nobody reported.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What makes two prices comparable.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    admin1_code: String,
    commodity: String,
    unit: String,
    pricetype: String,
    currency: String,
}

pub fn compile(received: &[Value], today: &str) -> Value {
    let rows = received.iter().map(|event| &event["data"]);
    let latest = rows
        .clone()
        .map(|row| text(row, "period"))
        .max()
        .unwrap_or_default();
    let mut prices: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for row in rows.filter(|row| text(row, "period") == latest) {
        prices
            .entry(kind(row))
            .or_default()
            .push(text(row, "price"));
    }
    let entries: Vec<Value> = prices
        .into_iter()
        .map(|(kind, prices)| entry(kind, prices))
        .collect();
    json!({
        "bulletin": format!("MAFF-{latest}"),
        "period": latest,
        "released": today,
        "title_en": format!("Market prices of {latest}"),
        "title_km": format!("តម្លៃទីផ្សារ {latest}"),
        "prices": entries,
    })
}

/// The middle price as it was reported, between the lowest and the highest.
fn entry(kind: Kind, mut prices: Vec<String>) -> Value {
    // Decimal strings stay strings; numbers serve to compare them alone.
    prices.sort_by(|a, b| number(a).total_cmp(&number(b)));
    let Kind {
        admin1_code,
        commodity,
        unit,
        pricetype,
        currency,
    } = kind;
    json!({
        "admin1_code": admin1_code,
        "commodity": commodity,
        "unit": unit,
        "pricetype": pricetype,
        "currency": currency,
        "price": prices[(prices.len() - 1) / 2],
        "lowest": prices[0],
        "highest": prices[prices.len() - 1],
        "reports": prices.len(),
    })
}

fn kind(row: &Value) -> Kind {
    Kind {
        admin1_code: text(row, "admin1_code"),
        commodity: text(row, "commodity"),
        unit: text(row, "unit"),
        pricetype: text(row, "pricetype"),
        currency: text(row, "currency"),
    }
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap_or_default().to_owned()
}

fn number(price: &str) -> f64 {
    price.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulletin_holds_the_middle_price_of_the_latest_month() {
        let event = |period: &str, price: &str| {
            json!({ "data": {
                "period": period, "admin1_code": "KH17", "commodity": "Rice", "unit": "KG",
                "pricetype": "Retail", "currency": "USD", "price": price,
            }})
        };
        let received = [
            event("2024-01", "9.00"),
            event("2024-02", "1.10"),
            event("2024-02", "10.00"),
            event("2024-02", "0.90"),
        ];
        let bulletin = compile(&received, "2024-03-01");
        assert_eq!(bulletin["period"], "2024-02");
        assert_eq!(bulletin["prices"].as_array().map(Vec::len), Some(1));
        let price = &bulletin["prices"][0];
        assert_eq!(
            [&price["lowest"], &price["price"], &price["highest"]],
            ["0.90", "1.10", "10.00"]
        );
        assert_eq!(price["reports"], 3);
    }
}
