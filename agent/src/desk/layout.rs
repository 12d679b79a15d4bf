//! The frame of every page: what the page is about comes in, a whole document goes out, with the headers that keep other pages out of
//! it. A page has no script or style of its own.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::words::{Lang, frame as words};
use super::{assets, dates};
use crate::store::alarms::now_ms;

/// Own style, script, fonts, pictures and forms; nothing else, and nobody around it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// On every answer of the desk. `no-referrer` would make `Origin: null` of the desk's own forms.
pub const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// The rooms of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Home,
    Enter,
    Sent,
    ToFix,
    Received,
    Acts,
    Help,
}

impl Room {
    fn path(self) -> &'static str {
        match self {
            Room::Home => "/",
            Room::Enter => "/desk/enter",
            Room::Sent => "/desk/sent",
            Room::ToFix => "/desk/to-fix",
            Room::Received => "/desk/received",
            Room::Acts => "/desk/acts",
            Room::Help => "/desk/help",
        }
    }

    fn name(self, lang: Lang) -> String {
        match self {
            Room::Home => words::home(lang),
            Room::Enter => words::enter(lang),
            Room::Sent => words::sent(lang),
            Room::ToFix => words::to_fix(lang),
            Room::Received => words::received(lang),
            Room::Acts => words::acts(lang),
            Room::Help => words::help(lang),
        }
    }
}

/// What the frame of a page says around it.
#[derive(Debug, Clone)]
pub struct Frame {
    pub lang: Lang,
    /// The office, in this language.
    pub office: String,
    /// The path and query of this page, to come back to in another language.
    pub here: String,
    /// None for whoever is not in.
    pub inside: Option<Inside>,
}

/// What only those see who are in.
#[derive(Debug, Clone)]
pub struct Inside {
    pub to_fix: usize,
    pub hands_in: bool,
    pub sees_acts: bool,
    /// The person's name, where people sign in, and what signs them out.
    pub person: Option<(String, String)>,
}

/// A page of the menu's room.
pub fn page(frame: &Frame, room: Option<Room>, title: &str, main: &Markup) -> Response {
    with_status(StatusCode::OK, frame, room, title, main)
}

pub fn with_status(
    status: StatusCode,
    frame: &Frame,
    room: Option<Room>,
    title: &str,
    main: &Markup,
) -> Response {
    let document = document(frame, room, title, main).into_string();
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, document).into_response()
}

/// Puts the headers of the desk on an answer.
pub fn guarded(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let (name, value) = (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        response.headers_mut().insert(name, value);
    }
    response
}

fn document(frame: &Frame, room: Option<Room>, title: &str, main: &Markup) -> Markup {
    let lang = frame.lang;
    html! {
        (DOCTYPE)
        html lang=(lang.pick("km", "en")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – " (words::spean(lang)) }
                link rel="stylesheet" href=(assets::style());
                link rel="icon" type="image/svg+xml" href=(assets::icon());
                script src=(assets::script()) defer {}
            }
            body {
                a.skip href="#main" { (words::skip(lang)) }
                (head(frame))
                @if let Some(inside) = &frame.inside { (menu(lang, room, inside)) }
                main #main tabindex="-1" { div.wide { (main) } }
                footer {
                    div.wide {
                        p { (words::kept_here(lang)) }
                        p.faint.data { (dates::day(lang, now_ms())) }
                    }
                }
            }
        }
    }
}

fn head(frame: &Frame) -> Markup {
    let lang = frame.lang;
    html! {
        header {
            div.wide.bar {
                a.brand href="/" {
                    (bridge())
                    span.name { (words::spean(lang)) }
                }
                span.office.data { (frame.office) }
                div.corner {
                    @if let Some((name, token)) = frame.inside.as_ref().and_then(|inside| inside.person.as_ref()) {
                        form.inline method="post" action="/desk/sign-out" {
                            input type="hidden" name="token" value=(token);
                            span.who { (words::you_are(lang, name)) }
                            button.link type="submit" { (words::sign_out(lang)) }
                        }
                    }
                    nav.languages aria-label=(words::language(lang)) {
                        @for (other, name) in [(Lang::Km, "ខ្មែរ"), (Lang::En, "English")] {
                            @if other == lang {
                                span lang=(other.code()) aria-current="true" { (name) }
                            } @else {
                                a lang=(other.code()) hreflang=(other.code()) href=(in_language(&frame.here, other)) { (name) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn menu(lang: Lang, current: Option<Room>, inside: &Inside) -> Markup {
    let mut rooms = vec![Room::Home];
    rooms.extend(inside.hands_in.then_some(Room::Enter));
    rooms.extend([Room::Sent, Room::ToFix, Room::Received]);
    rooms.extend(inside.sees_acts.then_some(Room::Acts));
    rooms.push(Room::Help);
    html! {
        nav.menu aria-label=(words::menu(lang)) {
            ul.wide {
                @for room in rooms {
                    li {
                        a href=(room.path()) aria-current=[(current == Some(room)).then_some("page")] {
                            (room.name(lang))
                            @if room == Room::ToFix && inside.to_fix > 0 {
                                span.count aria-hidden="true" { (inside.to_fix) }
                                span.hidden { " (" (words::to_fix_count(lang, inside.to_fix)) ")" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The same page in another language.
fn in_language(here: &str, other: Lang) -> String {
    let (path, query) = here.split_once('?').unwrap_or((here, ""));
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="));
    let all: Vec<String> = kept
        .map(str::to_owned)
        .chain([format!("lang={}", other.code())])
        .collect();
    format!("{path}?{}", all.join("&"))
}

/// A bridge of three arches.
fn bridge() -> Markup {
    PreEscaped(
        r#"<svg class="bridge" viewBox="0 0 40 24" width="40" height="24" aria-hidden="true" focusable="false"><path d="M1 8h38v3H1z"/><path d="M3 22V11h3v11zM18.500 22V11h3v11zM34 22V11h3v11z"/><path d="M6 17c1-5 11.500-5 12.500 0h1.500c-1.500-8-14-8-15.500 0zM21.500 17c1-5 11.500-5 12.500 0h1.500c-1.500-8-14-8-15.500 0z"/></svg>"#
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_language_is_the_same_page() {
        assert_eq!(in_language("/", Lang::En), "/?lang=en");
        assert_eq!(
            in_language("/desk/sent?feed=a&lang=km&before=9", Lang::En),
            "/desk/sent?feed=a&before=9&lang=en"
        );
    }
}
