//! What the link needs to know of the agent: settings and registry come in, what is dialled and by which words ids are made goes out.

use std::sync::Arc;

use schemas::form::Form;
use schemas::registry::Registry;
use tokio::sync::watch;

use crate::link::{self, LinkSettings};
use crate::settings::Settings;

pub fn link_settings(settings: &Settings) -> LinkSettings {
    LinkSettings {
        office: settings.office.clone(),
        gateways: settings.gateways.clone(),
        gateway_name: settings.gateway_name.clone(),
        ca: settings.folder.ca(),
        certificate: settings.folder.certificate(),
        key: settings.folder.certificate_key(),
        packed: settings.link.packed,
    }
}

/// The places of an event that make its id, where it comes from a sheet: those of its feed's form that are not within a list.
pub fn keys_of(registry: watch::Receiver<Arc<Registry>>) -> link::Keys {
    Arc::new(move |feed| {
        let form = Form::of(&registry.borrow(), feed).and_then(Result::ok);
        let places = form.map(|form| form.key).unwrap_or_default();
        let whole = places.iter().filter(|place| place.in_list().is_none());
        whole.map(|place| place.as_str().to_owned()).collect()
    })
}
