//! `GET /desk/to-fix`: what was refused, with the reason in both languages, and what can be done: send it again as it is, or drop it for good.
//! Both are posted, written down with who did it, and then done.

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::subject::FeedName;
use serde_json::Value;

use super::enter::{begin_form, forms};
use super::home::titles;
use crate::desk::acts::Act;
use crate::desk::dates;
use crate::desk::door::form::Fields;
use crate::desk::door::{Posted, Visit};
use crate::desk::layout::{self, Room};
use crate::desk::limits::ROWS;
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, enter, frame, sent as words};
use crate::outbox::InTray;

/// What the gateway said, in words for a person.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    code: Option<String>,
    km: String,
    en: String,
    /// Where, Khmer, English.
    details: Vec<(String, String, String)>,
}

impl Told {
    /// A gateway says it as JSON; what is none is a sentence.
    pub fn read(refusal: &str) -> Told {
        let Ok(said) = serde_json::from_str::<Value>(refusal) else {
            return Told {
                km: refusal.to_owned(),
                en: refusal.to_owned(),
                ..Told::default()
            };
        };
        let said = match said.get("spean") {
            Some(inner) => inner.clone(),
            None => said,
        };
        let text = |value: &Value, name: &str| {
            let text = value.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let details = said.get("details").and_then(Value::as_array);
        let details = details.into_iter().flatten();
        Told {
            code: Some(text(&said, "code")).filter(|code| !code.is_empty()),
            km: text(&said, "km"),
            en: text(&said, "en"),
            details: details
                .map(|one| (text(one, "at"), text(one, "km"), text(one, "en")))
                .collect(),
        }
    }
}

/// The reason, with every wrong field by name.
pub fn reason(lang: Lang, told: &Told) -> Markup {
    html! {
        p.data { (lang.pick(&told.km, &told.en)) }
        @if !told.details.is_empty() {
            ul.wrongs {
                @for (at, km, en) in &told.details {
                    li {
                        @if !at.is_empty() { strong { (words::at_field(lang, at)) } ": " }
                        span.data { (lang.pick(km, en)) }
                    }
                }
            }
        }
        @if let Some(code) = &told.code {
            p.faint { (frame::code(lang)) ": " a.data href=(format!("/desk/help/{code}")) { (code) } }
        }
    }
}

pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let lang = visit.lang;
    let query = Fields::read(&query.unwrap_or_default().into());
    let done = match query.text("done") {
        "released" => Some(words::released(lang)),
        "dropped" => Some(words::dropped(lang)),
        "gone" => Some(words::gone_already(lang)),
        _ => None,
    };
    let tray = visit.read(|app| app.outbox.tray()).await?;
    let titles = titles(&visit);
    let forms = match visit.who.may_hand_in() {
        true => forms(&visit),
        false => Vec::new(),
    };
    let forms: Vec<FeedName> = forms.into_iter().map(|form| form.feed).collect();
    let main = html! {
        h1 { (words::fix_title(lang)) }
        @if let Some(done) = done { p.done role="status" { (done) } }
        @if tray.is_empty() {
            p.nothing { (words::fix_none(lang)) }
        } @else {
            p.lead { (words::fix_text(lang)) }
            @for entry in tray.iter().take(ROWS) { (card(&visit, entry, &titles(&entry.feed), forms.contains(&entry.feed))) }
        }
    };
    let title = frame::to_fix(lang);
    Ok(layout::page(
        visit.frame(),
        Some(Room::ToFix),
        &title,
        &main,
    ))
}

fn card(visit: &Visit, entry: &InTray, title: &str, has_form: bool) -> Markup {
    let lang = visit.lang;
    let place = format!("/desk/to-fix/{}/{}", entry.feed, entry.number);
    let id = utf8_percent_encode(&entry.entry.id, NON_ALPHANUMERIC);
    html! {
        section.card.warn {
            h2.data { (title) }
            p.faint {
                span.time { (dates::stamp(entry.entry.at_ms)) } " · "
                a.data href=(format!("/desk/sent/{}/{id}", entry.feed)) { (entry.entry.id) }
            }
            (reason(lang, &Told::read(&entry.entry.refusal)))
            @if has_form {
                (begin_form(visit, &entry.feed, &[("mends", &entry.number.to_string())], &enter::mend(lang), "button"))
            }
            @if visit.who.may_hand_in() {
                form.inline method="post" action=(format!("{place}/release")) {
                    input type="hidden" name="token" value=(visit.token());
                    button.button.second type="submit" { (words::release(lang)) }
                }
            }
            @if visit.who.may_decide() {
                a.button.plain href=(format!("{place}/drop")) { (words::drop(lang)) }
            }
            @if visit.who.may_hand_in() { p.hint { (words::release_hint(lang)) } }
        }
    }
}

/// An entry that lies in the tray; None where it is no longer there.
async fn entry(visit: &Visit, feed: &str, number: u64) -> Result<Option<InTray>, Trouble> {
    let feed = FeedName::try_from(feed.to_owned()).map_err(|_| Trouble::NotFound)?;
    let tray = visit.read(|app| app.outbox.tray()).await?;
    let mut entries = tray.into_iter();
    Ok(entries.find(|entry| entry.feed == feed && entry.number == number))
}

fn back(done: &str) -> Response {
    Redirect::to(&format!("/desk/to-fix?done={done}")).into_response()
}

/// `POST /desk/to-fix/{feed}/{number}/release`
pub async fn release(
    Path((feed, number)): Path<(String, u64)>,
    posted: Posted,
) -> Result<Response, Trouble> {
    let visit = posted.visit;
    if !visit.who.may_hand_in() {
        return Err(Trouble::NotAllowed);
    }
    let Some(entry) = entry(&visit, &feed, number).await? else {
        return Ok(back("gone"));
    };
    let (feed, id) = (entry.feed, entry.entry.id);
    let act = Act::Released {
        feed: feed.clone(),
        id,
    };
    visit.notes(act).await?;
    visit.app.outbox.release(&feed, number).await?;
    Ok(back("released"))
}

/// `GET /desk/to-fix/{feed}/{number}/drop`: asks once more.
pub async fn ask_drop(
    visit: Visit,
    Path((feed, number)): Path<(String, u64)>,
) -> Result<Response, Trouble> {
    if !visit.who.may_decide() {
        return Err(Trouble::NotAllowed);
    }
    let lang = visit.lang;
    let Some(entry) = entry(&visit, &feed, number).await? else {
        return Ok(back("gone"));
    };
    let main = html! {
        div.narrow {
            h1 { (words::drop_sure(lang)) }
            p.lead { (words::drop_text(lang)) }
            p.data { (titles(&visit)(&entry.feed)) br; code { (entry.entry.id) } }
            form.inline method="post" action=(format!("/desk/to-fix/{feed}/{number}/drop")) {
                input type="hidden" name="token" value=(visit.token());
                button.button.danger type="submit" { (words::drop_yes(lang)) }
            }
            a.button.plain href="/desk/to-fix" { (words::drop_no(lang)) }
        }
    };
    let title = words::drop_sure(lang);
    Ok(layout::page(
        visit.frame(),
        Some(Room::ToFix),
        &title,
        &main,
    ))
}

/// `POST /desk/to-fix/{feed}/{number}/drop`
pub async fn drop_for_good(
    Path((feed, number)): Path<(String, u64)>,
    posted: Posted,
) -> Result<Response, Trouble> {
    let visit = posted.visit;
    if !visit.who.may_decide() {
        return Err(Trouble::NotAllowed);
    }
    let Some(entry) = entry(&visit, &feed, number).await? else {
        return Ok(back("gone"));
    };
    let (feed, id) = (entry.feed, entry.entry.id);
    let act = Act::Dropped {
        feed: feed.clone(),
        id,
    };
    visit.notes(act).await?;
    visit.app.outbox.drop_from_tray(&feed, number).await?;
    Ok(back("dropped"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_as_the_gateway_wrote_it_or_as_a_sentence() {
        let said = r#"{"error":{"code":400},"spean":{"answer":"refused","code":"row-not-yours","en":"no","km":"ទេ",
            "details":[{"at":"/orgUnit","en":"must be KH17","km":"ត្រូវតែជា KH17"}]}}"#;
        let told = Told::read(said);
        assert_eq!(told.code.as_deref(), Some("row-not-yours"));
        assert_eq!((told.km.as_str(), told.en.as_str()), ("ទេ", "no"));
        let page = reason(Lang::Km, &told).into_string();
        assert!(
            page.contains("ត្រូវតែជា KH17") && page.contains("/orgUnit"),
            "{page}"
        );
        assert_eq!(Told::read("no room").en, "no room");
        assert_eq!(Told::read(r#"{"code":"x","en":"y","km":"z"}"#).km, "z");
    }
}
