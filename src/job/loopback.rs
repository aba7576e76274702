//! An HTTP server on 127.0.0.1, on a thread of its own: for the broker, and for the authority of rehearsals.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use axum::Router;
use tokio::sync::oneshot;

/// A server. It stops when this is dropped: at once, but for requests that are under way.
pub struct Loopback {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

/// Binds a free port.
///
/// # Errors
/// When none can be had.
pub fn free_port() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Loopback {
    /// Starts to serve. Once it is to stop, requests that are under way may take `grace` to end.
    ///
    /// # Errors
    /// When there is no runtime or no thread for it.
    pub fn serve(name: &str, listener: TcpListener, router: Router, grace: Duration) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let served = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                until_stopped(listener, router, stopped, grace).await
            });
            // Whoever still blocks a thread is not waited for.
            runtime.shutdown_background();
            served
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Whether it served until now shows in what its clients got; here nobody could be told.
            thread.join().ok();
        }
    }
}

async fn until_stopped(
    listener: tokio::net::TcpListener,
    router: Router,
    stop: oneshot::Receiver<()>,
    grace: Duration,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async {
        stopped.await.ok();
    });
    let server = tokio::spawn(server.into_future());
    stop.await.ok();
    drop(stopping);
    match tokio::time::timeout(grace, server).await {
        Ok(ended) => ended?,
        // The rest ends with the runtime, which we are about to leave.
        Err(_) => Ok(()),
    }
}
