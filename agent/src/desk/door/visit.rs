//! A visit: a request's cookie comes in, and who asks, in which language, goes out; whoever is not in is sent to where he can get in. All pages
//! but those of the door begin with it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::people::Role;
use super::secret::Secret;
use super::{Door, pages};
use crate::desk::acts::Act;
use crate::desk::layout::{Frame, Inside};
use crate::desk::limits::FORM_BYTES_MAX;
use crate::desk::trouble::Trouble;
use crate::desk::words::Lang;
use crate::store::Outage;
use crate::store::alarms::now_ms;
use crate::web::App;

/// The cookie of the language.
pub const LANGUAGE: &str = "spean-lang";

/// Who is at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Whoever opened the desk, in an office that has named no people.
    Office,
    Person {
        name: String,
        role: Role,
    },
}

impl Who {
    /// Hands in, and sends again.
    pub fn may_hand_in(&self) -> bool {
        match self {
            Who::Office => true,
            Who::Person { role, .. } => matches!(role, Role::Clerk | Role::Chief),
        }
    }

    /// Drops for good, and sees the journal.
    pub fn may_decide(&self) -> bool {
        match self {
            Who::Office => true,
            Who::Person { role, .. } => matches!(role, Role::Chief),
        }
    }
}

/// What is known of a request before anybody is let in.
pub struct Caller {
    pub app: Arc<App>,
    pub lang: Lang,
    pub here: String,
    /// The secret of a browser that is known.
    pub secret: Option<Secret>,
    /// Who it is, where that needs no more.
    pub who: Option<Who>,
}

/// Somebody who is in.
pub struct Visit {
    pub app: Arc<App>,
    pub lang: Lang,
    pub who: Who,
    secret: Secret,
    frame: Frame,
}

impl Visit {
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// What the forms of this page carry.
    pub fn token(&self) -> String {
        self.secret.form_token()
    }

    /// Writes an act down, with who did it. It is on disk when this returns.
    pub async fn notes(&self, act: Act) -> Result<(), Trouble> {
        notes(&self.app, &self.who, act).await
    }

    /// Reads from the stores where reading may take its time.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&App) -> Result<T, Outage> + Send + 'static,
    ) -> Result<T, Trouble> {
        at_work(&self.app, read).await
    }
}

/// Writes an act down.
pub async fn notes(app: &Arc<App>, who: &Who, act: Act) -> Result<(), Trouble> {
    let who = who.clone();
    at_work(app, move |app| {
        app.reception.acts.write(&who, &act, now_ms())
    })
    .await
}

/// Works with the disk where that may take its time.
pub async fn at_work<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, Outage> + Send + 'static,
) -> Result<T, Trouble> {
    let app = Arc::clone(app);
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    Ok(done.unwrap_or(Err(Outage::Stopped))?)
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Caller, Trouble> {
        let cookie = cookie(&parts.headers, app.reception.door.cookie());
        let said = cookie.and_then(Secret::said);
        let (secret, who) = at_work(app, move |app| known(&app.reception.door, said)).await?;
        Ok(Caller {
            app: Arc::clone(app),
            lang: lang_of(&parts.headers),
            here: here(&parts.uri),
            secret,
            who,
        })
    }
}

/// The secret, where the browser is known, and who it is: the office where it has no people, else who signed in and still is one of them.
fn known(door: &Door, said: Option<Secret>) -> Result<(Option<Secret>, Option<Who>), Outage> {
    let Some(secret) = said else {
        return Ok((None, None));
    };
    if !door.knows(&secret)? {
        return Ok((None, None));
    }
    let people = door.people.all()?;
    let who = match door.person(&secret, now_ms()) {
        _ if people.is_empty() => Some(Who::Office),
        Some(name) => people
            .into_iter()
            .find(|person| person.name == name)
            .map(|person| Who::Person {
                name,
                role: person.role,
            }),
        None => None,
    };
    Ok((Some(secret), who))
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Visit, Response> {
        let caller = Caller::from_request_parts(parts, app).await;
        let caller = caller.map_err(Trouble::into_response)?;
        let outside = caller.frame(None);
        let Some(secret) = caller.secret else {
            return Err(pages::how_in(StatusCode::UNAUTHORIZED, &outside));
        };
        let Some(who) = caller.who else {
            return Err(Redirect::to("/desk/sign-in").into_response());
        };
        let tray = at_work(app, |app| Ok(app.outbox.tray()?.len())).await;
        let inside = Inside {
            to_fix: tray.map_err(Trouble::into_response)?,
            hands_in: who.may_hand_in(),
            sees_acts: who.may_decide(),
            person: match &who {
                Who::Office => None,
                Who::Person { name, .. } => Some((name.clone(), secret.form_token())),
            },
        };
        Ok(Visit {
            frame: Frame {
                inside: Some(inside),
                ..outside
            },
            app: caller.app,
            lang: caller.lang,
            who,
            secret,
        })
    }
}

impl Caller {
    pub fn frame(&self, inside: Option<Inside>) -> Frame {
        Frame {
            lang: self.lang,
            office: office(&self.app, self.lang),
            here: self.here.clone(),
            inside,
        }
    }
}

/// The office as the registry calls it.
pub fn office(app: &App, lang: Lang) -> String {
    let registry = app.registry();
    let id = &app.settings.office;
    registry.office(id).map_or_else(
        || id.to_string(),
        |office| lang.pick(&office.title_km, &office.title_en).to_owned(),
    )
}

/// The language that the browser remembers; Khmer where it remembers none.
pub fn lang_of(headers: &HeaderMap) -> Lang {
    let remembered = cookie(headers, LANGUAGE).and_then(Lang::of_code);
    remembered.unwrap_or(Lang::Km)
}

/// A cookie's value. Where two have the name, neither is believed.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    let mut values = pairs.filter_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name).then_some(value)
    });
    values.next().filter(|_| values.next().is_none())
}

fn here(uri: &Uri) -> String {
    uri.path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// The text of a form that came from a page of this browser.
pub struct Posted {
    pub visit: Visit,
    pub fields: super::form::Fields,
}

impl axum::extract::FromRequest<Arc<App>> for Posted {
    type Rejection = Response;

    async fn from_request(
        request: axum::extract::Request,
        app: &Arc<App>,
    ) -> Result<Posted, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        let fields = super::form::body(body, FORM_BYTES_MAX)
            .await
            .map_err(Trouble::into_response)?;
        match fields.text("token") == visit.token() {
            true => Ok(Posted { visit, fields }),
            false => Err(Trouble::FormOld.into_response()),
        }
    }
}
