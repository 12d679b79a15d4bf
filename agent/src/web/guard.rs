//! The guard at the door: a request comes in and goes on, or is refused. A web page of another origin reaches loopback, too,
//! and a name that somebody else controls can be pointed at it: so `Host` and `Origin` are looked at before anything is done.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::desk;
use crate::submit::problem::Problem;

/// Tells nothing of the office's data: monitoring on the same machine needs no token for it.
const OPEN_PATHS: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/openapi.json"];

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Tcp(SocketAddr),
    /// Through the socket file, which only the office's account may open.
    Unix,
}

impl Peer {
    fn is_local(self) -> bool {
        match self {
            Peer::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Peer::Unix => true,
        }
    }
}

/// The names under which this agent answers.
#[derive(Debug, Clone)]
pub struct Hosts {
    pub bound: Option<IpAddr>,
    pub names: Vec<String>,
}

impl Hosts {
    /// An address is no name that somebody else could point here; with any address bound, any will do.
    fn allow(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(ip) => self.bound.is_some_and(|bound| {
                bound == ip || bound.is_unspecified() || (bound.is_loopback() && ip.is_loopback())
            }),
            Err(_) => {
                host.eq_ignore_ascii_case("localhost")
                    || self
                        .names
                        .iter()
                        .any(|name| name.eq_ignore_ascii_case(host))
            }
        }
    }
}

pub async fn guard(
    State((app, hosts)): State<(Arc<App>, Arc<Hosts>)>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let checked = check(&app, &hosts, peer, &request);
    match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            tracing::info!(code = problem.code(), ?peer, "request refused");
            problem.into_response()
        }
    }
}

fn check(app: &App, hosts: &Hosts, peer: Peer, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let host = one(headers, &HOST).map_err(|()| Problem::HostForeign)?;
    let named = request.uri().authority().map(Authority::as_str);
    for host in [host, named].into_iter().flatten() {
        // RFC 9110 §7.2 knows no userinfo in Host.
        let authority: Option<Authority> = host.parse().ok().filter(|_| !host.contains('@'));
        let allowed = authority.is_some_and(|authority| hosts.allow(authority.host()));
        // No web page can open the socket file.
        if !allowed && peer != Peer::Unix {
            return Err(Problem::HostForeign);
        }
    }
    if host.is_none() && peer != Peer::Unix {
        return Err(Problem::HostForeign);
    }
    same_origin(headers, host)?;
    // The desk looks at its own cookie, and never at the token; the interface never at a cookie.
    if desk::is_path(request.uri().path()) {
        return Ok(());
    }
    if OPEN_PATHS.contains(&request.uri().path()) && peer.is_local() {
        return Ok(());
    }
    let given = one(headers, &AUTHORIZATION).map_err(|()| Problem::TokenWrong)?;
    let given = given.ok_or(Problem::TokenMissing)?;
    let token = given
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token {
        Some((_, token)) if app.token.is(token.trim()) => Ok(()),
        Some(_) => Err(Problem::TokenWrong),
        None => Err(Problem::TokenMissing),
    }
}

/// A program sends no `Origin`; a page that this agent itself would serve has its `Host`.
fn same_origin(headers: &HeaderMap, host: Option<&str>) -> Result<(), Problem> {
    let origin = one(headers, &ORIGIN).map_err(|()| Problem::OriginForeign)?;
    let Some(origin) = origin else { return Ok(()) };
    let authority = origin
        .strip_prefix("http://")
        .or(origin.strip_prefix("https://"));
    match (authority, host) {
        (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host) => Ok(()),
        (_, _) => Err(Problem::OriginForeign),
    }
}

/// A header's one value: a second one, or one that is no text, is what no honest client sends.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ()> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}
