// An echo server on mio: edge-triggered, one buffer for all reads. It drains each socket to WouldBlock, as mio's
// manual asks; called echo_short, a short read ends a turn, unless the end was announced.
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::io::{FromRawFd, RawFd};

const LISTENER: Token = Token(usize::MAX);
const ROOM: usize = 4096;

extern "C" {
    fn listen_on(port: *const std::os::raw::c_char) -> RawFd;
    fn say_port(listener: RawFd);
}

struct Client {
    stream: TcpStream,
    rest: Vec<u8>, // what could not be sent
}

/// Sends what it can; the rest is kept. False: the connection is gone
fn send(c: &mut Client, text: &[u8]) -> bool {
    let mut sent = 0;
    while sent < text.len() {
        match c.stream.write(&text[sent..]) {
            Ok(n) => sent += n,
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                c.rest.extend_from_slice(&text[sent..]);
                return true;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => (),
            Err(_) => return false,
        }
    }
    true
}

/// False: the connection is at its end
fn serve(c: &mut Client, room: &mut [u8; ROOM], drain: bool) -> bool {
    if !c.rest.is_empty() {
        let rest = std::mem::take(&mut c.rest);
        if !send(c, &rest) {
            return false;
        }
    }
    while c.rest.is_empty() {
        match c.stream.read(room) {
            Ok(0) => return false,
            Ok(n) => {
                if !send(c, &room[..n]) {
                    return false;
                }
                if n < ROOM && !drain {
                    return true;
                }
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return true,
            Err(e) if e.kind() == ErrorKind::Interrupted => (),
            Err(_) => return false,
        }
    }
    true
}

fn welcome(listener: &TcpListener, poll: &Poll, clients: &mut Vec<Option<Client>>, free: &mut Vec<usize>) {
    while let Ok((mut stream, _)) = listener.accept() {
        let i = free.pop().unwrap_or_else(|| {
            clients.push(None);
            clients.len() - 1
        });
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(i), both).expect("register");
        clients[i] = Some(Client { stream, rest: Vec::new() });
    }
}

fn main() {
    let mut arguments = std::env::args();
    let drain = !arguments.next().unwrap_or_default().ends_with("echo_short");
    let port = std::ffi::CString::new(arguments.next().unwrap_or_default()).expect("port");
    let native = unsafe { listen_on(port.as_ptr()) };
    let mut listener = TcpListener::from_std(unsafe { std::net::TcpListener::from_raw_fd(native) });
    let mut poll = Poll::new().expect("poll");
    let mut events = Events::with_capacity(256);
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut free = Vec::new();
    let mut room = [0u8; ROOM];
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).expect("register");
    unsafe { say_port(native) };
    loop {
        match poll.poll(&mut events, None) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            other => other.expect("poll"),
        }
        for event in events.iter() {
            if event.token() == LISTENER {
                welcome(&listener, &poll, &mut clients, &mut free);
                continue;
            }
            let i = event.token().0;
            let ends = event.is_read_closed() || event.is_error();
            let goes_on = match clients[i].as_mut() {
                Some(c) => serve(c, &mut room, drain || ends),
                None => continue,
            };
            if !goes_on {
                if let Some(mut c) = clients[i].take() {
                    let _ = poll.registry().deregister(&mut c.stream);
                    free.push(i);
                }
            }
        }
    }
}
