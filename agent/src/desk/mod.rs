//! The desk: a person of the office asks with a browser, and pages come back, in Khmer or English, with what waits, what was sent, what has to
//! be mended and what arrived. Nothing of the office is kept in a browser, and no page looks at the interface's token.

mod acts;
mod assets;
mod dates;
pub mod door;
mod filling;
mod layout;
mod limits;
mod pages;
mod reading;
mod trouble;
pub mod words;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use schemas::subject::OfficeId;

use self::acts::Acts;
use self::door::{Door, LANGUAGE, lang_of, office};
use self::filling::Drafts;
use self::filling::sheets::Sheets;
use self::layout::Frame;
use self::limits::{COOKIE_TIME, UPLOAD_BYTES_MAX, UPLOAD_FRAME_BYTES};
use self::trouble::Trouble;
use self::words::Lang;
use crate::web::App;

/// What the desk remembers of its visitors.
pub struct Reception {
    door: Door,
    acts: Acts,
    /// Forms that were begun.
    drafts: Drafts,
    /// Sheets that were uploaded.
    sheets: Sheets,
}

impl Reception {
    /// Of an office's agent, in the agent's folder.
    pub fn new(folder: &Path, office: &OfficeId) -> Reception {
        Reception {
            door: Door::new(folder, office),
            acts: Acts::new(folder.join(door::FOLDER).join("acts.ndjson")),
            drafts: Drafts::new(folder.join(door::FOLDER).join("drafts")),
            sheets: Sheets::new(folder.join(door::FOLDER).join("sheets")),
        }
    }
}

/// Whether a path is the desk's. What is not, is the interface's.
pub fn is_path(path: &str) -> bool {
    path == "/" || path == "/desk" || path.starts_with("/desk/")
}

/// Every page of the desk.
pub fn router(app: Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/", get(pages::home::show))
        .route(
            "/desk/open/{secret}",
            get(door::pages::offered).post(door::pages::open),
        )
        .route(
            "/desk/sign-in",
            get(door::pages::sign_in_page).post(door::pages::sign_in),
        )
        .route("/desk/sign-out", post(door::pages::sign_out))
        .route("/desk/enter", get(pages::enter::list))
        .route("/desk/enter/{feed}", post(pages::enter::begin))
        .route(
            "/desk/enter/{feed}/{id}",
            get(pages::enter::form).post(pages::enter::save),
        )
        .route(
            "/desk/enter/{feed}/{id}/review",
            get(pages::enter::review).post(pages::enter::hand_in),
        )
        .route(
            "/desk/enter/{feed}/{id}/discard",
            get(pages::enter::ask_discard).post(pages::enter::discard),
        )
        .merge(import_routes())
        .route("/desk/sent", get(pages::sent::show))
        .route("/desk/sent/{feed}/{id}", get(pages::event::show))
        .route("/desk/sent/{feed}/{id}/receipt", get(pages::receipt::show))
        .route(
            "/desk/sent/{feed}/{id}/withdraw",
            get(pages::withdraw::ask).post(pages::withdraw::withdraw),
        )
        .route("/desk/to-fix", get(pages::to_fix::show))
        .route(
            "/desk/to-fix/{feed}/{number}/release",
            post(pages::to_fix::release),
        )
        .route(
            "/desk/to-fix/{feed}/{number}/drop",
            get(pages::to_fix::ask_drop).post(pages::to_fix::drop_for_good),
        )
        .route("/desk/received", get(pages::received::show))
        .route("/desk/received/{feed}/{arrival}", get(pages::received::one))
        .route("/desk/acts", get(pages::acts::show))
        .route("/desk/help", get(pages::help::show))
        .route("/desk/precautions", get(pages::precautions::show))
        .route("/desk/help/{code}", get(pages::help::one))
        .route("/desk/assets/{name}", get(assets::show))
        .route("/desk", get(nowhere))
        .route("/desk/{*nowhere}", get(nowhere))
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn_with_state(app, framed))
}

/// The pages of sheets; an upload alone may be large.
fn import_routes() -> Router<Arc<App>> {
    let most = DefaultBodyLimit::max(UPLOAD_BYTES_MAX.saturating_add(UPLOAD_FRAME_BYTES));
    Router::new()
        .route(
            "/desk/import/{feed}",
            get(pages::import::begin)
                .post(pages::import::upload)
                .layer(most),
        )
        .route(
            "/desk/import/{feed}/empty.xlsx",
            get(pages::import::empty_xlsx),
        )
        .route(
            "/desk/import/{feed}/empty.csv",
            get(pages::import::empty_csv),
        )
        .route(
            "/desk/import/{feed}/{id}",
            get(pages::import::show).post(pages::import::hand_in),
        )
        .route(
            "/desk/import/{feed}/{id}/wrong.csv",
            get(pages::import::wrong),
        )
        .route(
            "/desk/import/{feed}/{id}/discard",
            post(pages::import::discard),
        )
}

async fn nowhere() -> Trouble {
    Trouble::NotFound
}

/// Around every page: a language that is asked for is remembered, a trouble becomes a page, and no other page can use this one.
async fn framed(
    axum::extract::State(app): axum::extract::State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(lang) = asked_for(request.uri().query().unwrap_or_default()) {
        return layout::guarded(remember(lang, request.uri()));
    }
    let lang = lang_of(request.headers());
    let response = next.run(request).await;
    let told = response.extensions().get::<Trouble>().copied();
    // A path whose parts are not what they must be is refused before any page sees it.
    let unread = (response.status() == StatusCode::BAD_REQUEST).then_some(Trouble::NotFound);
    let Some(trouble) = told.or(unread) else {
        return layout::guarded(response);
    };
    let frame = Frame {
        lang,
        office: office(&app, lang),
        here: "/".to_owned(),
        inside: None,
    };
    let (title, main) = (trouble.title(lang), trouble.main(lang));
    layout::guarded(layout::with_status(
        trouble.status(),
        &frame,
        None,
        &title,
        &main,
    ))
}

fn asked_for(query: &str) -> Option<Lang> {
    let mut pairs = query.split('&');
    pairs.find_map(|pair| Lang::of_code(pair.strip_prefix("lang=")?))
}

/// 303 to the same page without the wish, so that going back does not change the language again.
fn remember(lang: Lang, uri: &axum::http::Uri) -> Response {
    let kept = uri.query().unwrap_or_default().split('&');
    let kept: Vec<&str> = kept.filter(|pair| !pair.starts_with("lang=")).collect();
    let to = match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    };
    let (code, age) = (lang.code(), COOKIE_TIME.as_secs());
    let cookie = format!("{LANGUAGE}={code}; Path=/; Max-Age={age}; SameSite=Strict");
    let mut response = Redirect::to("/").into_response();
    let headers = response.headers_mut();
    if let (Ok(to), Ok(cookie)) = (HeaderValue::from_str(&to), HeaderValue::from_str(&cookie)) {
        headers.insert(LOCATION, to);
        headers.insert(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests;
