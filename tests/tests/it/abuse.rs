//! Bad input: each gets a clear answer with a stable code, and loses nothing. One promise, one test.
//! In: what no honest client sends. Out: the gateway's answer and what the bus holds afterwards. Never: a client library in between.

mod bounds;
mod bus;
mod confirmed;
mod events;
mod floods;
mod identity;
mod injection;
mod policy;
mod protocol;
mod pulls;
mod pushes;
mod reads;
mod share;
mod strangers;

use schemas::registry::RegistryEvent;
use serde_json::{Value, json};
use tests::bus::Bus;
use tests::deadline::within;
use tests::envoy::Envoy;
use tests::letter::{Key, Letter, LogOf};

const HEALTH: LogOf<'static> = LogOf {
    office: "moh/siem-reap",
    feed: "health-quarterly",
    event_type: "kh.gov.moh.quarterly-report.submitted.v1",
};

/// A bus, and the provincial health department of Siem Reap as a client of its own making.
struct Scene {
    bus: Bus,
    envoy: Envoy,
    key: Key,
}

impl Scene {
    async fn start() -> Scene {
        Scene::with(&[]).await
    }

    /// With further offices enrolled.
    async fn with(others: &[&str]) -> Scene {
        let offices: Vec<&str> = [HEALTH.office].iter().chain(others).copied().collect();
        let bus = Bus::start(&offices).await;
        let envoy = Envoy::new(bus.raw(HEALTH.office).await, HEALTH.office).await;
        let key = bus.key(HEALTH.office);
        Scene { bus, envoy, key }
    }

    async fn envoy_of(&self, office: &str) -> Envoy {
        Envoy::new(self.bus.raw(office).await, office).await
    }

    /// The first event of the log, not yet signed.
    fn first(&self) -> Letter {
        Letter::new(&HEALTH, 1, &self.bus.genesis(), &report())
    }

    /// The event behind another.
    fn behind(&self, position: u64, letter: &Letter) -> Letter {
        Letter::new(&HEALTH, position, &letter.hash(), &report())
    }

    async fn publish(&mut self, letter: &Letter) -> Value {
        self.envoy.publish(&HEALTH.subject(), letter).await
    }

    /// Says something in the registry, and waits until the gateway judges by it.
    async fn tell(&mut self, said: &RegistryEvent) {
        let position = self.bus.authority.say(said);
        let told = async {
            // Any no names the position that it was judged at.
            let mut judged_at = Value::Null;
            while judged_at != position {
                let no = self.envoy.request("spean.registry", "?").await;
                judged_at = no["spean"]["registry"].clone();
            }
        };
        within("the gateway to read the registry", told).await;
    }

    /// That nothing of what was tried has been stored: the log still begins at 1.
    async fn assert_untouched(&mut self) {
        let good = self.first().sign(&self.key);
        assert_stored(&self.publish(&good).await, 1);
    }
}

fn report() -> Value {
    json!({
        "dataSet": "QUARTERLY_DENGUE",
        "period": "2026Q3",
        "orgUnit": "KH17",
        "dataValues": [{ "dataElement": "DENGUE_CASES", "value": "125" }],
    })
}

/// Stored at this sequence of the feed's stream.
fn assert_stored(answer: &Value, sequence: u64) {
    assert_eq!(answer["error"], Value::Null, "{answer}");
    assert_eq!(answer["seq"], sequence, "{answer}");
}

fn assert_refused(answer: &Value, code: &str) {
    assert_answer(answer, "refused", code);
}

fn assert_held(answer: &Value, code: &str) {
    assert_answer(answer, "held", code);
}

/// JetStream's error shape, with the project's own answer beside it.
fn assert_answer(answer: &Value, kind: &str, code: &str) {
    let spean = &answer["spean"];
    assert_eq!(spean["code"], code, "{answer}");
    assert_eq!(spean["answer"], kind, "{answer}");
    let description = answer["error"]["description"].as_str().unwrap_or_default();
    assert!(description.starts_with(&format!("{code}: ")), "{answer}");
    assert!(
        answer["error"]["err_code"]
            .as_u64()
            .is_some_and(|number| number > 60_000),
        "{answer}"
    );
    assert!(spean["registry"].is_u64(), "{answer}");
    assert!(
        spean["km"].as_str().is_some_and(|text| !text.is_ascii()),
        "{answer}"
    );
}
