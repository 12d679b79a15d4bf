//! The forms that are part of the program: a registry and a feed come in, the feed's form goes out, held against the contract that the registry
//! has. A form is not yet an event of the registry; it is found by its feed's name, so that it can come from there without any other change.

use serde::Deserialize;

use super::{Form, FormFault};
use crate::feed::Feed;
use crate::registry::Registry;
use crate::subject::FeedName;

/// A feed that is added gets its page, its sheets and its reader by a line here.
pub(super) const BUILT_IN: [&str; 7] = [
    include_str!("../../forms/health-quarterly.json"),
    include_str!("../../forms/market-prices.json"),
    include_str!("../../forms/price-bulletin.json"),
    include_str!("../../forms/labour-returns.json"),
    include_str!("../../forms/ict-readiness.json"),
    include_str!("../../forms/labour-instructions.json"),
    include_str!("../../forms/ordinances.json"),
];

impl Form {
    /// The form of a feed, checked against the contract that the registry has. None where no form is known for it.
    pub fn of(registry: &Registry, feed: &FeedName) -> Option<Result<Form, FormFault>> {
        let text = BUILT_IN
            .into_iter()
            .find(|text| named(text).is_ok_and(|name| name == *feed))?;
        Some(Form::find(registry, text))
    }

    /// The forms of all feeds that the registry has and a form is known for.
    pub fn all(registry: &Registry) -> Vec<Form> {
        let feeds = registry.feeds();
        let forms = feeds.filter_map(|feed: &Feed| Form::of(registry, &feed.name)?.ok());
        forms.collect()
    }

    fn find(registry: &Registry, text: &str) -> Result<Form, FormFault> {
        let form = Form::read(text)?;
        let contract = registry.contract(&form.contract);
        let contract = contract.ok_or_else(|| FormFault::ContractUnknown(form.contract.clone()))?;
        form.agreeing(contract)
    }
}

/// Of a form's text, so much as tells whose it is.
pub(super) fn named(text: &str) -> Result<FeedName, serde_json::Error> {
    #[derive(Deserialize)]
    struct Named {
        feed: FeedName,
    }
    serde_json::from_str::<Named>(text).map(|named| named.feed)
}
