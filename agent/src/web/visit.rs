//! One request at its place: a request comes in, its answer goes out, and the place always knows how far the two have come: whether
//! the request is all here, whether its answer is a stream, whether it has been taken.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, Response};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tower::ServiceExt as _;

use super::places::Place;
use crate::submit::problem::Problem;

/// Answers a request at its place.
pub async fn serve_at(
    place: Arc<Place>,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    place.asks();
    let request = request.map(|body| {
        if body.is_end_stream() {
            place.is_answered();
        }
        let place = Arc::clone(&place);
        Body::new(Asked { body, place })
    });
    let mut response = router.oneshot(request).await?;
    place.is_answered();
    if is_stream(&response) && !place.follows() {
        response = Problem::StreamsTaken.into_response();
    }
    Ok(response.map(|body| Answer { body, place }))
}

fn is_stream(response: &Response<Body>) -> bool {
    let media = response.headers().get(CONTENT_TYPE);
    media.is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"))
}

/// A request's body, which tells when all of it is here.
struct Asked {
    body: Incoming,
    place: Arc<Place>,
}

impl HttpBody for Asked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None) = frame {
            self.place.is_answered();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body; when it goes, the connection is one that asks again, or says nothing more.
pub struct Answer {
    body: Body,
    place: Arc<Place>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.place.asks();
    }
}
