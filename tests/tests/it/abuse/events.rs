//! Events that are wrong: in their data, their signature, their place in the log.
//! In: letters made by hand. Out: the code of each. Never: a wrong event on the bus.

use schemas::registry::KeyRetirement;

use super::*;

#[tokio::test]
async fn a_signed_event_is_stored() {
    let mut scene = Scene::start().await;
    let letter = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&letter).await, 1);
}

#[tokio::test]
async fn malformed_json_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene.first().with_data("{\"dataSet\": ").sign(&scene.key);
    assert_refused(&scene.publish(&letter).await, "not-json");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_repeated_key_is_refused_and_named() {
    let mut scene = Scene::start().await;
    let twice = report()
        .to_string()
        .replacen('{', "{\"orgUnit\":\"KH02\",", 1);
    let letter = scene.first().with_data(twice).sign(&scene.key);
    let answer = scene.publish(&letter).await;
    assert_refused(&answer, "not-json");
    assert!(
        answer["spean"]["details"].to_string().contains("orgUnit"),
        "{answer}"
    );
    scene.assert_untouched().await;
}

#[tokio::test]
async fn wrong_types_are_refused_each_with_its_place() {
    let mut scene = Scene::start().await;
    let mut data = report();
    data["period"] = json!(20263);
    data["dataValues"][0]["value"] = json!(125);
    let letter = scene.first().with_data(data.to_string()).sign(&scene.key);
    let answer = scene.publish(&letter).await;
    assert_refused(&answer, "contract-violated");
    let details = answer["spean"]["details"].to_string();
    assert!(
        details.contains("/period") && details.contains("/dataValues/0/value"),
        "{answer}"
    );
    scene.assert_untouched().await;
}

#[tokio::test]
async fn data_outside_the_contract_is_refused() {
    let mut scene = Scene::start().await;
    let mut data = report();
    data["patient"] = json!("a name");
    let letter = scene.first().with_data(data.to_string()).sign(&scene.key);
    assert_refused(&scene.publish(&letter).await, "contract-violated");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn data_of_over_a_million_bytes_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene
        .first()
        .with_data(vec![b' '; 1_000_001])
        .sign(&scene.key);
    assert_refused(&scene.publish(&letter).await, "too-large");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn another_provinces_figures_are_refused() {
    let mut scene = Scene::start().await;
    let mut data = report();
    data["orgUnit"] = json!("KH02");
    let letter = scene.first().with_data(data.to_string()).sign(&scene.key);
    let answer = scene.publish(&letter).await;
    assert_refused(&answer, "row-not-yours");
    assert!(
        answer["spean"]["details"].to_string().contains("/orgUnit"),
        "{answer}"
    );
    scene.assert_untouched().await;
}

#[tokio::test]
async fn an_unknown_feed_is_held() {
    let mut scene = Scene::start().await;
    let log = LogOf {
        feed: "rainfall",
        ..HEALTH
    };
    let letter = Letter::new(&log, 1, &scene.bus.genesis(), &report()).sign(&scene.key);
    assert_held(
        &scene.envoy.publish(&log.subject(), &letter).await,
        "feed-unknown",
    );
}

#[tokio::test]
async fn a_feed_without_a_grant_is_held() {
    let mut scene = Scene::start().await;
    let log = LogOf {
        feed: "market-prices",
        ..HEALTH
    };
    let letter = Letter::new(&log, 1, &scene.bus.genesis(), &report()).sign(&scene.key);
    assert_held(
        &scene.envoy.publish(&log.subject(), &letter).await,
        "grant-unknown",
    );
}

#[tokio::test]
async fn an_unknown_contract_version_is_held() {
    let mut scene = Scene::start().await;
    let schema = "https://spean.gov.kh/contracts/health-quarterly/9.0";
    let letter = scene.first().set("dataschema", schema).sign(&scene.key);
    assert_held(&scene.publish(&letter).await, "contract-unknown");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn another_feeds_type_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene
        .first()
        .set("type", "kh.gov.maff.market-price.submitted.v1")
        .sign(&scene.key);
    assert_refused(&scene.publish(&letter).await, "type-not-of-feed");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn another_feeds_contract_is_refused() {
    let mut scene = Scene::start().await;
    let schema = "https://spean.gov.kh/contracts/market-prices/1.0";
    let letter = scene.first().set("dataschema", schema).sign(&scene.key);
    assert_refused(&scene.publish(&letter).await, "schema-not-of-feed");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn an_unsigned_event_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene.first();
    assert_refused(&scene.publish(&letter).await, "event-unsigned");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn an_attribute_beside_the_signature_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene.first().sign(&scene.key).set("causationid", "another");
    assert_refused(&scene.publish(&letter).await, "attributes-unsigned");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn an_attribute_of_nobodys_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene.first().sign(&scene.key).set(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );
    assert_refused(&scene.publish(&letter).await, "attribute-unknown");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_missing_attribute_is_refused_and_named() {
    let mut scene = Scene::start().await;
    let letter = scene.first().without("type").sign(&scene.key);
    let answer = scene.publish(&letter).await;
    assert_refused(&answer, "attribute-missing");
    assert!(
        answer["spean"]["details"].to_string().contains("type"),
        "{answer}"
    );
    scene.assert_untouched().await;
}

#[tokio::test]
async fn an_attribute_that_is_not_well_formed_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene.first().set("time", "yesterday").sign(&scene.key);
    assert_refused(&scene.publish(&letter).await, "attribute-invalid");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn data_changed_after_signing_is_refused() {
    let mut scene = Scene::start().await;
    let changed = report().to_string().replace("125", "5");
    let letter = scene.first().sign(&scene.key).with_data(changed);
    assert_refused(&scene.publish(&letter).await, "digest-mismatch");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn material_that_is_no_envelope_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene.first().set("dssematerial", "bm90IGFuIGVudmVsb3Bl");
    assert_refused(&scene.publish(&letter).await, "material-malformed");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn material_in_another_form_is_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut scene = Scene::start().await;
    let letter = scene.first().sign(&scene.key);
    let material =
        String::from_utf8(STANDARD.decode(letter.attribute("dssematerial")).unwrap()).unwrap();
    let spaced = material.replacen("\"payloadType\":", "\"payloadType\": ", 1);
    let letter = letter.set("dssematerial", &STANDARD.encode(spaced));
    assert_refused(&scene.publish(&letter).await, "material-not-canonical");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_key_that_the_registry_does_not_know_is_held() {
    let mut scene = Scene::start().await;
    let letter = scene.first().sign(&Key::stranger());
    assert_held(&scene.publish(&letter).await, "key-unknown");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_key_that_has_ended_counts_for_what_it_signed_before_and_for_nothing_after() {
    let mut scene = Scene::start().await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let feed = HEALTH.feed.parse().expect("a feed");
    let ended = KeyRetirement {
        keyid: scene.key.keyid(),
        last: [(feed, 1)].into(),
    };
    scene.tell(&RegistryEvent::KeyRetired(ended)).await;
    let second = scene.behind(2, &first).sign(&scene.key);
    assert_refused(&scene.publish(&second).await, "key-retired");
    assert_stored(&scene.publish(&first).await, 1);
}

#[tokio::test]
async fn a_known_key_id_over_a_strangers_signature_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene.first().sign_as(&Key::stranger(), &scene.key.keyid());
    assert_refused(&scene.publish(&letter).await, "signature-invalid");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn another_offices_key_is_refused() {
    let mut scene = Scene::with(&["moh/battambang"]).await;
    let letter = scene.first().sign(&scene.bus.key("moh/battambang"));
    assert_refused(&scene.publish(&letter).await, "signer-mismatch");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_forged_source_is_refused() {
    let mut scene = Scene::start().await;
    let letter = scene
        .first()
        .set("source", "urn:spean:moh:battambang:health-quarterly")
        .sign(&scene.key);
    assert_refused(&scene.publish(&letter).await, "source-mismatch");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_replayed_event_is_answered_as_stored_and_stored_once() {
    let mut scene = Scene::start().await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let again = scene.publish(&first).await;
    assert_stored(&again, 1);
    assert_eq!(again["duplicate"], true);
    let second = scene.behind(2, &first).sign(&scene.key);
    assert_stored(&scene.publish(&second).await, 2);
    assert_stored(&scene.publish(&first).await, 1);
}

#[tokio::test]
async fn a_replayed_event_is_refused_from_another_peer() {
    let mut scene = Scene::with(&["moh/battambang"]).await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let mut other = scene.envoy_of("moh/battambang").await;
    assert_refused(
        &other.publish(&HEALTH.subject(), &first).await,
        "not-your-log",
    );
}

#[tokio::test]
async fn a_replayed_event_is_refused_under_another_subject() {
    let mut scene = Scene::with(&["moh/battambang"]).await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let mut other = scene.envoy_of("moh/battambang").await;
    let own = LogOf {
        office: "moh/battambang",
        ..HEALTH
    };
    assert_refused(
        &other.publish(&own.subject(), &first).await,
        "source-mismatch",
    );
}

#[tokio::test]
async fn a_sequence_from_the_future_is_held_and_the_head_told() {
    let mut scene = Scene::start().await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let far = scene.behind(9, &first).sign(&scene.key);
    assert_held(&scene.publish(&far).await, "position-ahead");
    let second = scene.behind(2, &first).sign(&scene.key);
    assert_stored(&scene.publish(&second).await, 2);
}

#[tokio::test]
async fn other_content_at_a_filled_position_is_held() {
    let mut scene = Scene::start().await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let other = scene.first().sign(&scene.key);
    assert_held(&scene.publish(&other).await, "position-taken");
    let second = scene.behind(2, &first).sign(&scene.key);
    assert_stored(&scene.publish(&second).await, 2);
}

#[tokio::test]
async fn a_link_to_another_past_is_held() {
    let mut scene = Scene::start().await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let elsewhere = scene.first().sign(&scene.key);
    let second = scene.behind(2, &elsewhere).sign(&scene.key);
    assert_held(&scene.publish(&second).await, "chain-mismatch");
}

#[tokio::test]
async fn a_training_bus_cannot_be_replayed() {
    let mut scene = Scene::start().await;
    let letter = scene
        .first()
        .set("prevhash", &"A".repeat(43))
        .sign(&scene.key);
    assert_held(&scene.publish(&letter).await, "chain-mismatch");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn only_who_may_read_a_log_refills_it_and_never_with_something_else() {
    let mut scene = Scene::with(&["moh/battambang", "moh/hq"]).await;
    let first = scene.first().sign(&scene.key);
    assert_stored(&scene.publish(&first).await, 1);
    let position = format!("{}.1", HEALTH.subject());
    let mut neighbour = scene.envoy_of("moh/battambang").await;
    let answer = neighbour.publish(&position, &first).await;
    assert_refused(&answer, "request-forbidden");
    let mut reader = scene.envoy_of("moh/hq").await;
    let other = scene.first().set("id", "another").sign(&scene.key);
    assert_held(&reader.publish(&position, &other).await, "position-taken");
    let elsewhere = format!("{}.2", HEALTH.subject());
    let answer = reader.publish(&elsewhere, &first).await;
    assert_refused(&answer, "source-mismatch");
    let unsigned = scene.behind(2, &first);
    let answer = reader.publish(&elsewhere, &unsigned).await;
    assert_refused(&answer, "event-unsigned");
    let forged = unsigned.sign(&Key::stranger());
    assert_held(&reader.publish(&elsewhere, &forged).await, "key-unknown");
    assert_eq!(reader.publish(&position, &first).await["duplicate"], true);
}

#[tokio::test]
async fn without_its_broker_the_gateway_holds_and_forgets_nothing() {
    let mut scene = Scene::start().await;
    scene.bus.nats.kill().await;
    let letter = scene.first().sign(&scene.key);
    assert_held(&scene.publish(&letter).await, "bus-unavailable");
    scene.bus.nats.resume().await;
    let mut envoy = scene.envoy_of(HEALTH.office).await;
    let again = envoy.publish(&HEALTH.subject(), &letter).await;
    assert_stored(&again, 1);
}
