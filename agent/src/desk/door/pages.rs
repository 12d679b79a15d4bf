//! The pages of the door: how to get in, the button of a one-time address, name and PIN. What is posted comes in; a new cookie goes out, or
//! the same page with what was wrong.

use std::sync::Arc;
use std::sync::PoisonError;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};

use super::people::{Person, Role};
use super::secret::Secret;
use super::visit::{Caller, Posted, Who, at_work, notes};
use super::{address, form};
use crate::desk::acts::Act;
use crate::desk::layout::{self, Frame};
use crate::desk::limits::{COOKIE_TIME, DOOR_BYTES_MAX};
use crate::desk::trouble::Trouble;
use crate::desk::words::{Lang, door as words};
use crate::store::alarms::now_ms;
use crate::web::App;

/// The page of a stranger.
pub fn how_in(status: StatusCode, frame: &Frame) -> Response {
    let lang = frame.lang;
    let main = html! {
        div.narrow {
            h1 { (words::how_in(lang)) }
            p.lead { (words::how_in_text(lang)) }
            (command("spean-agent open"))
            p { (words::how_in_bound(lang)) }
        }
    };
    layout::with_status(status, frame, None, &words::how_in(lang), &main)
}

fn command(text: &str) -> Markup {
    html! { pre.command lang="en" translate="no" { code { (text) } } }
}

/// `GET /desk/open/{secret}`: a page with a button, so that a program which looks at the address uses nothing up.
pub async fn offered(caller: Caller, Path(secret): Path<String>) -> Result<Response, Trouble> {
    let frame = caller.frame(None);
    let lang = caller.lang;
    let asked = secret.clone();
    let good = at_work(&caller.app, move |app| {
        address::is_good(app.settings.folder.path(), &asked, now_ms())
    });
    if !good.await? {
        return Ok(used_up(&frame));
    }
    let main = html! {
        div.narrow {
            h1 { (words::welcome(lang)) }
            p.lead { (words::welcome_text(lang)) }
            form method="post" action=(format!("/desk/open/{secret}")) {
                button.button type="submit" { (words::open(lang)) }
            }
            p.faint { (words::own_computer(lang)) }
        }
    };
    Ok(layout::page(&frame, None, &words::welcome(lang), &main))
}

fn used_up(frame: &Frame) -> Response {
    let lang = frame.lang;
    let main = html! {
        div.narrow {
            h1 { (words::used_up(lang)) }
            p.lead { (words::used_up_text(lang)) }
            (command("spean-agent open"))
        }
    };
    layout::with_status(StatusCode::GONE, frame, None, &words::used_up(lang), &main)
}

/// `POST /desk/open/{secret}`: the address is used up, then the browser is known.
pub async fn open(caller: Caller, Path(secret): Path<String>) -> Result<Response, Trouble> {
    let frame = caller.frame(None);
    let before = caller.secret.clone();
    let admitted = at_work(&caller.app, move |app| {
        let door = &app.reception.door;
        let _one_at_a_time = door.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if !address::redeem(app.settings.folder.path(), &secret, now_ms())? {
            return Ok(None);
        }
        app.reception
            .acts
            .write(&Who::Office, &Act::Opened, now_ms())?;
        door.admit(before.as_ref(), now_ms()).map(Some)
    });
    let Some(secret) = admitted.await? else {
        return Ok(used_up(&frame));
    };
    Ok(with_cookie(&caller.app, &secret, "/"))
}

/// 303 to a page, with the browser's new cookie.
fn with_cookie(app: &App, secret: &Secret, to: &str) -> Response {
    let name = app.reception.door.cookie();
    let (value, age) = (secret.text(), COOKIE_TIME.as_secs());
    let secure = match app.settings.http.tls {
        Some(_) => "; Secure",
        None => "",
    };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
    ([(SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

/// What is wrong with what was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    NoName,
    Pin,
    Wait { seconds: u64 },
}

/// `GET /desk/sign-in`
pub async fn sign_in_page(caller: Caller) -> Result<Response, Trouble> {
    let Some(secret) = caller.secret.clone() else {
        return Ok(how_in(StatusCode::UNAUTHORIZED, &caller.frame(None)));
    };
    match caller.who {
        Some(_) => Ok(Redirect::to("/").into_response()),
        None => sign_in_form(&caller, &secret, "", None).await,
    }
}

/// `POST /desk/sign-in`
pub async fn sign_in(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body,
) -> Result<Response, Trouble> {
    let Some(secret) = caller.secret.clone() else {
        return Ok(how_in(StatusCode::UNAUTHORIZED, &caller.frame(None)));
    };
    let fields = form::body(body, DOOR_BYTES_MAX).await?;
    if fields.text("token") != secret.form_token() {
        return Err(Trouble::FormOld);
    }
    let name = fields.text("name").to_owned();
    match judged(&app, &name, fields.text("pin")).await? {
        Ok(role) => {
            let who = Who::Person {
                name: name.clone(),
                role,
            };
            notes(&app, &who, Act::SignedIn).await?;
            let new = at_work(&app, move |app| {
                let door = &app.reception.door;
                let new = door.admit(Some(&secret), now_ms())?;
                door.sign_in(&new, &name, now_ms());
                Ok(new)
            });
            Ok(with_cookie(&app, &new.await?, "/"))
        }
        Err(wrong) => sign_in_form(&caller, &secret, &name, Some(wrong)).await,
    }
}

/// Whether the PIN is the person's. It is counted as a wrong one before it is looked at.
async fn judged(app: &Arc<App>, name: &str, pin: &str) -> Result<Result<Role, Wrong>, Trouble> {
    let asked = name.to_owned();
    let person = at_work(app, move |app| app.reception.door.people.find(&asked)).await?;
    let Some(person) = person else {
        return Ok(Err(Wrong::NoName));
    };
    let (name, since_ms) = (person.name.clone(), person.since_ms);
    if let Some(wrong) = counted(app, &name, since_ms) {
        return Ok(Err(wrong));
    }
    let role = person.role;
    match has_pin(app, person, pin.to_owned()).await? {
        true => {
            let tries = app.reception.door.tries.lock();
            tries.unwrap_or_else(PoisonError::into_inner).forget(&name);
            Ok(Ok(role))
        }
        false => {
            notes(app, &Who::Person { name, role }, Act::PinWrong).await?;
            Ok(Err(Wrong::Pin))
        }
    }
}

fn counted(app: &App, name: &str, since_ms: u64) -> Option<Wrong> {
    let tries = app.reception.door.tries.lock();
    let mut tries = tries.unwrap_or_else(PoisonError::into_inner);
    let wait_ms = tries.wait_ms(name, since_ms, now_ms());
    if wait_ms > 0 {
        let seconds = wait_ms.div_ceil(1_000);
        return Some(Wrong::Wait { seconds });
    }
    tries.count(name, since_ms, now_ms());
    None
}

async fn has_pin(app: &Arc<App>, person: Person, pin: String) -> Result<bool, Trouble> {
    let turn = app.reception.door.hashing.acquire().await;
    let _turn = turn.map_err(|_| Trouble::Disk)?;
    at_work(app, move |_| Ok(person.has_pin(&pin))).await
}

async fn sign_in_form(
    caller: &Caller,
    secret: &Secret,
    name: &str,
    wrong: Option<Wrong>,
) -> Result<Response, Trouble> {
    let lang = caller.lang;
    let people = at_work(&caller.app, |app| app.reception.door.people.all()).await?;
    let (at_name, at_pin) = match wrong {
        None => (None, None),
        Some(Wrong::NoName) => (Some(words::name_missing(lang)), None),
        Some(Wrong::Pin) => (None, Some(words::pin_wrong(lang))),
        Some(Wrong::Wait { seconds }) => (None, Some(words::pin_wait(lang, seconds))),
    };
    let main = html! {
        div.narrow {
            @if let Some(wrong) = at_name.as_ref().or(at_pin.as_ref()) {
                (summary(lang, wrong, if at_name.is_some() { "#name" } else { "#pin" }))
            }
            h1 { (words::sign_in(lang)) }
            form method="post" action="/desk/sign-in" {
                input type="hidden" name="token" value=(secret.form_token());
                (name_field(lang, &people, name, at_name.as_deref()))
                (pin_field(lang, at_pin.as_deref()))
                button.button type="submit" { (words::sign_in(lang)) }
            }
            p.faint { (words::pin_forgotten(lang)) }
            (command("spean-agent people add NAME --role clerk"))
        }
    };
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let (frame, title) = (caller.frame(None), words::sign_in(lang));
    Ok(layout::with_status(status, &frame, None, &title, &main))
}

/// What is wrong, before everything else, with a way to its field.
fn summary(lang: Lang, wrong: &str, field: &str) -> Markup {
    html! {
        div.summary role="alert" tabindex="-1" {
            h2 { (crate::desk::words::frame::problem(lang)) }
            ul { li { a href=(field) { (wrong) } } }
        }
    }
}

fn name_field(lang: Lang, people: &[Person], chosen: &str, wrong: Option<&str>) -> Markup {
    html! {
        div.field.wrong[wrong.is_some()] {
            label for="name" { (words::your_name(lang)) }
            @if let Some(wrong) = wrong { p.error #name-error { (wrong) } }
            select #name name="name" required aria-describedby=[wrong.map(|_| "name-error")] {
                option value="" { (words::choose_name(lang)) }
                @for person in people {
                    option value=(person.name) selected[person.name == chosen] { (person.name) }
                }
            }
        }
    }
}

fn pin_field(lang: Lang, wrong: Option<&str>) -> Markup {
    let described = match wrong {
        Some(_) => "pin-hint pin-error",
        None => "pin-hint",
    };
    html! {
        div.field.wrong[wrong.is_some()] {
            label for="pin" { (words::pin(lang)) }
            p.hint #pin-hint { (words::pin_hint(lang)) }
            @if let Some(wrong) = wrong { p.error #pin-error { (wrong) } }
            input #pin .short name="pin" type="password" inputmode="numeric" autocomplete="off" required aria-describedby=(described);
        }
    }
}

/// `POST /desk/sign-out`: the browser stays known, under a new secret.
pub async fn sign_out(posted: Posted) -> Result<Response, Trouble> {
    let Posted { visit, .. } = posted;
    visit.notes(Act::SignedOut).await?;
    let before = visit.secret().clone();
    let app = Arc::clone(&visit.app);
    let new = at_work(&app, move |app| {
        app.reception.door.admit(Some(&before), now_ms())
    });
    Ok(with_cookie(&app, &new.await?, "/desk/sign-in"))
}
