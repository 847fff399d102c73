//! One connection: what it reads and writes tells its activity, and the activity ends it.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{
    Request, Response,
    body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Limits, Places, activity::Activity};

/// What a connection is served with.
pub(super) struct Connection {
    pub peer: SocketAddr,
    pub router: Router,
    pub limits: Limits,
    pub places: Places,
    pub leaving: CancellationToken,
}

impl Connection {
    /// Answers requests until either end has enough.
    pub(super) async fn serve(self, stream: TcpStream) {
        // Small answers must not wait for the next packet.
        let _ = stream.set_nodelay(true);
        let activity = Activity::new();
        let io = TokioIo::new(Felt {
            stream,
            activity: activity.clone(),
        });
        let (router, peer) = (self.router, self.peer);
        let felt = activity.clone();
        let service = service_fn(move |request| answer(router.clone(), peer, felt.clone(), request));
        let mut connection = pin!(http1::Builder::new().serve_connection(io, service));
        let mut expires = pin!(activity.expires(&self.limits, || self.places.are_scarce()));
        let mut is_leaving = false;
        loop {
            tokio::select! {
                done = connection.as_mut() => {
                    if let Err(error) = done {
                        tracing::debug!(error = %error, "a connection ended early");
                    }
                    return;
                }
                () = &mut expires => {
                    tracing::debug!("a connection that stood still was closed");
                    return;
                }
                () = self.leaving.cancelled(), if !is_leaving => {
                    is_leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    activity: Activity,
    request: Request<Incoming>,
) -> Result<Response<Told>, Infallible> {
    activity.answering();
    let told = activity.clone();
    let mut request = request.map(|body| Body::new(Awaited { body, activity }));
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.oneshot(request).await?;
    Ok(response.map(|body| Told { body, activity: told }))
}

/// The body of a request, with what it waits for.
struct Awaited {
    body: Incoming,
    activity: Activity,
}

impl HttpBody for Awaited {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Pending => self.activity.body_awaited(),
            Poll::Ready(Some(Ok(frame))) => self.activity.body_came(frame.data_ref().map_or(0, Bytes::len)),
            Poll::Ready(_) => self.activity.body_over(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.activity.body_over();
    }
}

/// The body of an answer, which tells when it has been handed over.
struct Told {
    body: Body,
    activity: Activity,
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.activity.answered();
    }
}

/// The socket, with what goes in and out.
struct Felt {
    stream: TcpStream,
    activity: Activity,
}

impl Felt {
    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &polled {
            Poll::Pending => self.activity.taking_awaited(),
            Poll::Ready(Ok(bytes)) => self.activity.taken(*bytes),
            Poll::Ready(Err(_)) => {}
        }
        polled
    }
}

impl AsyncRead for Felt {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.bytes_came();
        }
        polled
    }
}

impl AsyncWrite for Felt {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
