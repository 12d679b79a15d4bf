//! Headers that are not the event's: the server's own, the gateway's stamps, repeated and folded ones.
//! In: header blocks as bytes. Out: a refusal of each. Never: a header of a client's beside the event on the bus.

use super::*;

#[tokio::test]
async fn the_servers_headers_and_the_gateways_stamps_are_refused_in_any_case() {
    let mut scene = Scene::start().await;
    let forbidden = [
        "Nats-Msg-Id: x",
        "nats-rollup: all",
        "NATS-EXPECTED-LAST-SEQUENCE: 0",
        "Nats-Expected-Last-Subject-Sequence: 0",
        "Nats-Batch-Id: x",
        "Nats-TTL: 1s",
        "Nats-Trace-Only: true",
        "Spean-Admitted: 2026-01-01T00:00:00Z",
        "sPEAN-gateway: me",
        "Nats-Expected-Stream: labour-returns",
    ];
    for line in forbidden {
        let letter = scene.first().sign(&scene.key).with_header(line);
        let answer = scene.publish(&letter).await;
        assert_refused(&answer, "header-forbidden");
    }
    scene.assert_untouched().await;
}

#[tokio::test]
async fn the_expected_stream_of_a_stock_client_is_checked_and_dropped() {
    let mut scene = Scene::start().await;
    let letter = scene
        .first()
        .sign(&scene.key)
        .with_header("Nats-Expected-Stream: health-quarterly");
    assert_stored(&scene.publish(&letter).await, 1);
}

#[tokio::test]
async fn a_repeated_attribute_is_refused_in_any_case() {
    let mut scene = Scene::start().await;
    for line in [
        "ce-id: another",
        "CE-ID: another",
        "Ce-Source: urn:spean:moh:hq:health-quarterly",
    ] {
        let letter = scene.first().sign(&scene.key).with_header(line);
        assert_refused(&scene.publish(&letter).await, "header-repeated");
    }
    scene.assert_untouched().await;
}

#[tokio::test]
async fn headers_that_are_no_header_lines_are_refused() {
    let mut scene = Scene::start().await;
    let lines = [
        " folded onto the line before",
        "\tfolded: with a tab",
        "no colon",
        ": no name",
        "with space: x",
        "x: a\rb",
        "x: a\0b",
    ];
    for line in lines {
        let letter = scene.first().sign(&scene.key).with_header(line);
        assert_refused(&scene.publish(&letter).await, "header-malformed");
    }
    scene.assert_untouched().await;
}

#[tokio::test]
async fn a_line_end_hidden_in_an_attribute_adds_no_header() {
    let mut scene = Scene::start().await;
    let letter = scene
        .first()
        .sign(&scene.key)
        .set("subject", "KH17\r\nNats-Rollup: all");
    assert_refused(&scene.publish(&letter).await, "header-forbidden");
    scene.assert_untouched().await;
}

#[tokio::test]
async fn data_that_does_not_call_itself_json_is_refused() {
    let mut scene = Scene::start().await;
    for content_type in ["text/html", "application/jsonp", "text/html;+json", ""] {
        let strange = scene.first().set("datacontenttype", content_type);
        let answer = scene.publish(&strange.sign(&scene.key)).await;
        assert_refused(&answer, "attribute-invalid");
    }
    scene.assert_untouched().await;
}
