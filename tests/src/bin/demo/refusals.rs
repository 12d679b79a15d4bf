//! Three deliberate mistakes, each at the place that must catch it.
//! In: the stage. Out: what was answered to each. Never: a mistake that reaches the bus.

use serde_json::{Value, json};
use tests::envoy::Envoy;
use tests::letter::{Letter, LogOf};

use crate::account::Refused;
use crate::figures::{HEALTH, PRICES};
use crate::stage::Stage;

const REPORT_TYPE: &str = "kh.gov.moh.quarterly-report.submitted.v1";
const PRICE_TYPE: &str = "kh.gov.maff.market-price.submitted.v1";

pub async fn provoke(stage: &Stage) -> Vec<Refused> {
    vec![
        another_province(stage).await,
        a_misspelt_price(stage).await,
        another_offices_log(stage).await,
    ]
}

/// The agent knows the row rule offline.
async fn another_province(stage: &Stage) -> Refused {
    let office = stage.office("moh/siem-reap");
    let event = json!({ "specversion": "1.0", "type": REPORT_TYPE, "subject": "KH02/2026Q3", "data": report("KH02") });
    let answer = office
        .post("/events", "application/cloudevents+json", event.to_string())
        .await;
    from_problem(
        "Siem Reap's health department reports for Battambang",
        "its agent",
        "row-not-yours",
        &answer.body,
    )
}

/// The agent knows the contract offline.
async fn a_misspelt_price(stage: &Stage) -> Refused {
    let office = stage.office("maff/battambang");
    let row = json!({
        "period": "2024-05", "admin1_code": "KH02", "market": "Boeung Chhouk", "commodity": "Rice (mixed, low quality)",
        "unit": "KG", "pricetype": "Retail", "currency": "USD", "price": "0,71",
    });
    let event =
        json!({ "specversion": "1.0", "type": PRICE_TYPE, "subject": "KH02/2024-05", "data": row });
    let answer = office
        .post("/events", "application/cloudevents+json", event.to_string())
        .await;
    from_problem(
        &format!("a price with a comma, to {PRICES}"),
        "its agent",
        "contract-violated",
        &answer.body,
    )
}

/// The gateway believes no agent: a stock client with Battambang's certificate tries Siem Reap's log.
async fn another_offices_log(stage: &Stage) -> Refused {
    let log = LogOf {
        office: "moh/siem-reap",
        feed: HEALTH,
        event_type: REPORT_TYPE,
    };
    let thief = "moh/battambang";
    let letter =
        Letter::new(&log, 1, &stage.bus.genesis(), &report("KH17")).sign(&stage.bus.key(thief));
    let mut envoy = Envoy::new(stage.bus.raw(thief).await, thief).await;
    let answer = envoy.publish(&log.subject(), &letter).await;
    Refused {
        tried: "Battambang's health department publishes into Siem Reap's log".to_owned(),
        by: "the gateway".to_owned(),
        expected: "not-your-log".to_owned(),
        code: text(&answer["spean"]["code"]),
        reason: text(&answer["spean"]["en"]),
    }
}

fn report(province: &str) -> Value {
    json!({
        "dataSet": "QUARTERLY_DENGUE", "period": "2026Q3", "orgUnit": province,
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "12" }],
    })
}

fn from_problem(tried: &str, by: &str, expected: &str, problem: &Value) -> Refused {
    Refused {
        tried: tried.to_owned(),
        by: by.to_owned(),
        expected: expected.to_owned(),
        code: text(&problem["code"]),
        reason: format!("{}{}", text(&problem["title"]), first_wrong(problem)),
    }
}

/// The first field at fault, where the problem names one.
fn first_wrong(problem: &Value) -> String {
    let wrong = &problem["errors"][0];
    let place = wrong["pointer"].as_str().or(wrong["attribute"].as_str());
    place.map_or_else(String::new, |place| {
        format!(" ({place}: {})", text(&wrong["en"]))
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("no answer").to_owned()
}
