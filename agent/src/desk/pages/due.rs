//! What is due, as the home page shows it: the office's own reports and drafts come in, a table with the most urgent first goes out, each line
//! with the way to what has to be done.

use maud::{Markup, html};
use schemas::envelope::nats;
use schemas::form::Form;

use super::enter::{begin_form, form_path, forms};
use super::home::Titles;
use crate::desk::dates;
use crate::desk::door::Visit;
use crate::desk::filling::FormId;
use crate::desk::filling::due::{Due, Have, State, by_urgency, of_form};
use crate::desk::filling::recent::Recent;
use crate::desk::limits::{DUE_SHOWN, ROWS};
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, enter, frame, home as words};
use crate::submit::now;

/// Of every form that this office fills in.
pub async fn due(visit: &Visit) -> Result<Vec<Due>, Trouble> {
    let registry = visit.app.registry();
    let Some(office) = registry.office(&visit.app.settings.office) else {
        return Ok(Vec::new());
    };
    let drafts = visit.read(|app| app.reception.drafts.all()).await?;
    let mut all = Vec::new();
    for form in forms(visit) {
        if !form
            .expected
            .iter()
            .any(|expected| expected.by.names(office))
        {
            continue;
        }
        let recent = Recent::of(visit, &form.feed).await?;
        let refused = refused(visit, &form).await?;
        let have = Have {
            recent: &recent,
            drafts: &drafts,
            refused: &refused,
        };
        all.extend(of_form(&form, office, &have, now()));
    }
    by_urgency(&mut all);
    Ok(all)
}

/// The periods of what lies in the tray.
async fn refused(visit: &Visit, form: &Form) -> Result<Vec<String>, Trouble> {
    let Some(field) = form.period() else {
        return Ok(Vec::new());
    };
    let tray = visit.read(|app| app.outbox.tray()).await?;
    let of_feed = tray.iter().filter(|entry| entry.feed == form.feed);
    let mut periods = Vec::new();
    for entry in of_feed.take(ROWS) {
        let refused = visit.app.outbox.refused(&entry.feed, entry.number).await?;
        let event = refused.and_then(|refused| nats::read_stored_unsigned(&refused.bytes).ok());
        let data: Option<serde_json::Value> =
            event.and_then(|event| serde_json::from_slice(event.data()).ok());
        let period = data
            .as_ref()
            .and_then(|data| data.pointer(field.at.as_str())?.as_str());
        periods.extend(period.map(str::to_owned));
    }
    Ok(periods)
}

pub fn table(visit: &Visit, due: &[Due], titles: &Titles) -> Markup {
    let lang = visit.lang;
    html! {
        section aria-labelledby="due" {
            h2 #due { (words::due(lang)) }
            table.events {
                thead {
                    tr {
                        th scope="col" { (words::report(lang)) }
                        th scope="col" { (words::until(lang)) }
                        th scope="col" { (frame::state(lang)) }
                        th scope="col" { span.hidden { (words::to_do(lang)) } }
                    }
                }
                tbody { @for due in due.iter().take(DUE_SHOWN) { (row(visit, due, titles)) } }
            }
        }
    }
}

fn row(visit: &Visit, due: &Due, titles: &Titles) -> Markup {
    let lang = visit.lang;
    html! {
        tr {
            th scope="row" {
                span.data { (titles(&due.feed)) }
                p.note.data { (due.period.dashed()) }
            }
            td {
                span.data { (dates::written(lang, due.last)) }
                @if !due.state.is_done() { p.note.late[due.left < 0] { (left(lang, due.left)) } }
            }
            td { (state(lang, &due.state)) }
            td { @if visit.who.may_hand_in() { (order(visit, due)) } }
        }
    }
}

fn left(lang: Lang, days: i64) -> String {
    let count = days.unsigned_abs();
    match days {
        0 => words::today(lang),
        days if days < 0 => words::days_late(lang, count),
        _ => words::days_left(lang, count),
    }
}

fn state(lang: Lang, state: &State) -> String {
    match state {
        State::NotBegun => words::not_begun(lang),
        State::Refused => words::refused(lang),
        State::Draft(_) => enter::draft(lang),
        State::WaitsForApproval(_) => enter::waits_for_approval(lang),
        State::HandedIn { all, waiting: 0 } => words::reports_arrived(lang, *all),
        State::HandedIn { all, waiting } => words::reports_waiting(lang, *all, *waiting),
    }
}

fn order(visit: &Visit, due: &Due) -> Markup {
    let lang = visit.lang;
    let period = due.period.dashed();
    let draft = |id: &FormId, end: &str, label: String| {
        html! { a.button.second href=(format!("{}{end}", form_path(&due.feed, *id))) { (label) } }
    };
    match &due.state {
        State::NotBegun => begin_form(
            visit,
            &due.feed,
            &[("period", &period)],
            &enter::begin(lang),
            "button",
        ),
        State::Refused => html! { a.button href="/desk/to-fix" { (words::look(lang)) } },
        State::Draft(id) => draft(id, "", enter::go_on(lang)),
        State::WaitsForApproval(id) => draft(id, "/review", enter::review(lang)),
        State::HandedIn { .. } => {
            html! { a href=(format!("/desk/sent?feed={}", due.feed)) { (words::see(lang)) } }
        }
    }
}
