//! How a form begins: what it is for comes in; empty but for what the agent knows by itself, or with what an earlier event said, it goes out.

use schemas::event::{Event, Timestamp};
use schemas::feed::Action;
use schemas::form::{Field, Form, Kind, Known};
use schemas::period::Period;
use serde_json::Value;

use super::Purpose;
use super::typed::Typed;
use crate::desk::door::Visit;
use crate::desk::door::form::Fields;
use crate::desk::pages::event::Whole;
use crate::desk::reading::stage::Stage;
use crate::desk::trouble::Trouble;
use crate::submit::now;
use crate::web::App;

/// By what the post says: a correction, something in place of a refused event, or a new report.
pub async fn begin(
    visit: &Visit,
    form: &Form,
    fields: &Fields,
) -> Result<(Purpose, Typed), Trouble> {
    let (corrects, mends) = (fields.text("corrects"), fields.text("mends"));
    if !corrects.is_empty() {
        return correction(visit, form, corrects).await;
    }
    if !mends.is_empty() {
        let number = mends.parse().map_err(|_| Trouble::NotFound)?;
        return mending(visit, form, number).await;
    }
    let asked: Option<Period> = fields.text("period").parse().ok();
    Ok((Purpose::New, blank(&visit.app, form, asked, now())))
}

/// What an earlier event said, to be said better.
async fn correction(visit: &Visit, form: &Form, id: &str) -> Result<(Purpose, Typed), Trouble> {
    let whole = Whole::read(visit, form.feed.to_string(), id.to_owned()).await?;
    let event = whole.event.as_ref().ok_or(Trouble::NotFound)?;
    if !can_be_corrected(&visit.app, form, event, &whole.stage) {
        return Err(Trouble::NotFound);
    }
    let before = typed(form, event)?;
    let purpose = Purpose::Corrects {
        event: id.to_owned(),
        before: before.clone(),
    };
    Ok((purpose, before))
}

/// Whether an event is a report that stands, and not refused, lost, withdrawing or a notice.
pub fn can_be_corrected(app: &App, form: &Form, event: &Event, stage: &Stage) -> bool {
    let registry = app.registry();
    let name = event.core().event_type.as_str();
    let known = registry
        .feed(&form.feed)
        .and_then(|feed| feed.event_type(name));
    let is_report = known.is_some_and(|known| known.action != Action::Withdrawn);
    is_report && !matches!(stage, Stage::Refused | Stage::Lost)
}

/// What a refused event said.
async fn mending(visit: &Visit, form: &Form, number: u64) -> Result<(Purpose, Typed), Trouble> {
    let refused = visit.app.outbox.refused(&form.feed, number).await?;
    let refused = refused.ok_or(Trouble::NotFound)?;
    let event = schemas::envelope::nats::read_stored_unsigned(&refused.bytes);
    let event = event.map_err(|_| Trouble::NotAsForm)?;
    let before = typed(form, &event)?;
    let tray = visit.read(|app| app.outbox.tray()).await?;
    let mut entries = tray.into_iter();
    let entry = entries.find(|entry| entry.feed == form.feed && entry.number == number);
    let purpose = Purpose::Mends {
        refusal: entry.map_or_else(String::new, |entry| entry.entry.refusal),
        number,
        event: refused.id,
        corrects: event.core().causation_id.clone(),
        before: before.clone(),
    };
    Ok((purpose, before))
}

fn typed(form: &Form, event: &Event) -> Result<Typed, Trouble> {
    let data: Value = serde_json::from_slice(event.data()).map_err(|_| Trouble::NotAsForm)?;
    Typed::of_data(form, &data).ok_or(Trouble::NotAsForm)
}

/// Empty, but for the office's own province and the period: the one that is asked for, or the last that has ended.
pub fn blank(app: &App, form: &Form, asked: Option<Period>, now: Timestamp) -> Typed {
    let mut typed = Typed::default();
    for field in form.fields() {
        let known = match field.known {
            Some(Known::OwnProvince) => own_province(app),
            Some(Known::CurrentPeriod) => asked
                .filter(|period| takes(field, *period))
                .or_else(|| ended(field, now))
                .map(Period::dashed),
            None => None,
        };
        if let Some(text) = known {
            typed.set(field, &text);
        }
    }
    typed
}

fn own_province(app: &App) -> Option<String> {
    let registry = app.registry();
    let office = registry.office(&app.settings.office)?;
    let province = registry.province(office.province.as_deref()?)?;
    Some(province.pcode.clone())
}

fn takes(field: &Field, period: Period) -> bool {
    match (&field.kind, period) {
        (Kind::Month, Period::Month { .. }) | (Kind::Quarter, Period::Quarter { .. }) => true,
        (Kind::Period, Period::Month { .. } | Period::Quarter { .. }) => true,
        (_, _) => false,
    }
}

/// A report is about a time that is over.
fn ended(field: &Field, now: Timestamp) -> Option<Period> {
    match field.kind {
        Kind::Quarter => Period::quarter_at(now)?.previous(),
        Kind::Month | Kind::Period => Period::month_at(now)?.previous(),
        Kind::Text | Kind::Code | Kind::Number | Kind::Whole | Kind::Digits | Kind::Day => None,
        Kind::Province(_) | Kind::Codes(_) => None,
    }
}

/// The latest report as it was typed, with the times of this one.
pub fn copied(form: &Form, last: &Value, now: &Typed) -> Option<Typed> {
    let mut typed = Typed::of_data(form, last)?;
    for field in form.fields().filter(|field| field.at.in_list().is_none()) {
        if field.is_time() {
            typed.set(field, now.field(field));
        }
    }
    Some(typed)
}
