//! A scripted responsiveness server for the tests, with its manners as parameters.
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{Interval, interval};
use tokio_rustls::TlsAcceptor;
use tonle_wire::responsiveness::Config;
use tonle_wire::responsiveness::config::Paths;

const PATHS: Paths = Paths {
    small: "/s",
    large: "/l",
    upload: "/u",
};
/// A piece of load, and how often one is sent or read: slow enough to leave the processor to others.
const PIECE_BYTES: usize = 16 << 10;
const PIECE_EVERY: Duration = Duration::from_millis(5);

/// How a peer behaves.
#[derive(Clone, Copy, Default)]
pub(super) enum Manners {
    /// As a server should.
    #[default]
    Good,
    /// Asks for the configuration elsewhere.
    Redirects,
    /// Has no room.
    IsFull,
    /// Its configuration is no such thing.
    IsVoid,
    /// Its configuration never ends.
    TellsWithoutEnd,
    /// Large objects and uploads are redirected.
    RedirectsLoad,
    /// Large objects stop after their first piece, and uploads are never read.
    Stalls,
    /// Large objects end after their first piece.
    EndsEarly,
    /// The small object is large.
    BloatsProbes,
}

/// A running peer.
pub(super) struct Peer {
    pub(super) addr: SocketAddr,
    /// Requests for a small object that came over HTTP/2 beside others.
    pub(super) shared_probes: Arc<AtomicUsize>,
}

/// What one connection needs.
#[derive(Clone)]
struct Serving {
    manners: Manners,
    origin: Arc<str>,
    probes: Arc<AtomicUsize>,
}

/// Serves with these manners, over TLS where a certificate is given.
pub(super) async fn start(manners: Manners, tls: Option<Arc<rustls::ServerConfig>>) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let shared_probes = Arc::<AtomicUsize>::default();
    let serving = Serving {
        manners,
        origin: format!("{scheme}://{addr}").into(),
        probes: Arc::clone(&shared_probes),
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (serving, tls) = (serving.clone(), tls.clone());
            tokio::spawn(async move {
                stream.set_nodelay(true).unwrap();
                let Some(tls) = tls else {
                    return one_by_one(stream, serving).await;
                };
                let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else {
                    return;
                };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    many(stream, serving).await;
                } else {
                    one_by_one(stream, serving).await;
                }
            });
        }
    });
    Peer {
        addr,
        shared_probes,
    }
}

async fn one_by_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    serving: Serving,
) {
    let service = service_fn(|request| serving.clone().answer(request, false));
    // However the client ends it.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn many(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, serving: Serving) {
    let service = service_fn(move |request| serving.clone().answer(request, true));
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

type Content = UnsyncBoxBody<Bytes, Infallible>;

fn whole(content: impl Into<Bytes>) -> Content {
    Full::new(content.into()).boxed_unsync()
}

impl Serving {
    async fn answer(
        self,
        request: Request<Incoming>,
        is_shared: bool,
    ) -> Result<Response<Content>, Infallible> {
        let path = request.uri().path().to_owned();
        let mut response = match path.as_str() {
            "/s" => {
                self.probes
                    .fetch_add(usize::from(is_shared), Ordering::Relaxed);
                self.small()
            }
            "/l" => self.large(),
            "/u" => self.upload(request.into_body()).await,
            _ => self.configuration(),
        };
        let (status, location) = match (self.manners, path.as_str()) {
            (Manners::Redirects, "/.well-known/nq") => (StatusCode::FOUND, "/elsewhere"),
            (Manners::RedirectsLoad, "/l" | "/u") => (StatusCode::TEMPORARY_REDIRECT, "/s"),
            (Manners::IsFull, _) => (StatusCode::SERVICE_UNAVAILABLE, "/"),
            _ => return Ok(response),
        };
        *response.status_mut() = status;
        let location = location.parse().unwrap();
        response.headers_mut().insert("location", location);
        *response.body_mut() = whole("");
        Ok(response)
    }

    fn configuration(&self) -> Response<Content> {
        let told = match self.manners {
            Manners::IsVoid => r#"{"version":1,"urls":{}}"#.to_owned(),
            Manners::TellsWithoutEnd => return Response::new(Load::without_end()),
            _ => Config::to_json(&self.origin, None, PATHS),
        };
        Response::new(whole(told))
    }

    fn small(&self) -> Response<Content> {
        match self.manners {
            Manners::BloatsProbes => Response::new(Load::without_end()),
            _ => Response::new(whole(".")),
        }
    }

    fn large(&self) -> Response<Content> {
        let pieces = match self.manners {
            Manners::Stalls | Manners::EndsEarly => 1,
            _ => usize::MAX,
        };
        Response::new(Load::of(pieces, matches!(self.manners, Manners::Stalls)))
    }

    async fn upload(&self, mut body: Incoming) -> Response<Content> {
        match self.manners {
            Manners::Stalls => std::future::pending().await,
            Manners::EndsEarly | Manners::RedirectsLoad => return Response::new(whole("")),
            _ => {}
        }
        let mut pause = interval(PIECE_EVERY);
        while let Some(Ok(_)) = body.frame().await {
            pause.tick().await;
        }
        Response::new(whole(""))
    }
}

/// Load of so many pieces, after which it ends or stalls.
struct Load {
    left: usize,
    stalls: bool,
    pause: Interval,
}

impl Load {
    fn of(pieces: usize, stalls: bool) -> Content {
        let pause = interval(PIECE_EVERY);
        let load = Self {
            left: pieces,
            stalls,
            pause,
        };
        load.boxed_unsync()
    }

    fn without_end() -> Content {
        Self::of(usize::MAX, false)
    }
}

impl Body for Load {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return if self.stalls {
                Poll::Pending
            } else {
                Poll::Ready(None)
            };
        }
        ready!(self.pause.poll_tick(cx));
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![7; PIECE_BYTES])))))
    }
}
