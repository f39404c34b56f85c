// Wake-ups by mio's Waker, for the same main program as the others' in C
use mio::{Events, Poll, Token, Waker};
use std::io::ErrorKind;
use std::os::raw::{c_char, c_int, c_void};

type Called = extern "C" fn(*mut c_void);

pub struct Loop {
    poll: Poll,
    events: Events,
    waker: Waker,
    called: Called,
    user: *mut c_void,
    stopped: bool,
}

extern "C" {
    fn wake_main(argc: c_int, argv: *const *const c_char) -> c_int;
}

#[no_mangle]
pub extern "C" fn loop_open(called: Called, user: *mut c_void) -> *mut Loop {
    let poll = Poll::new().expect("poll");
    let waker = Waker::new(poll.registry(), Token(0)).expect("waker");
    let events = Events::with_capacity(16);
    Box::into_raw(Box::new(Loop { poll, events, waker, called, user, stopped: false }))
}

/// # Safety
/// `l` is what loop_open gave
#[no_mangle]
pub unsafe extern "C" fn loop_call(l: *mut Loop) {
    let waker = std::ptr::addr_of!((*l).waker);
    (*waker).wake().expect("wake");
}

/// # Safety
/// `l` is what loop_open gave; one thread runs it
#[no_mangle]
pub unsafe extern "C" fn loop_run(l: *mut Loop) {
    while !(*l).stopped {
        let (poll, events) = (std::ptr::addr_of_mut!((*l).poll), std::ptr::addr_of_mut!((*l).events));
        match (*poll).poll(&mut *events, None) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            other => other.expect("poll"),
        }
        if !(*events).is_empty() {
            ((*l).called)((*l).user);
        }
    }
}

/// # Safety
/// `l` is what loop_open gave; its own thread calls
#[no_mangle]
pub unsafe extern "C" fn loop_stop(l: *mut Loop) {
    (*l).stopped = true;
}

fn main() {
    use std::os::unix::ffi::OsStrExt;
    let words: Vec<std::ffi::CString> =
        std::env::args_os().map(|a| std::ffi::CString::new(a.as_bytes()).expect("argument")).collect();
    let mut argv: Vec<*const c_char> = words.iter().map(|w| w.as_ptr()).collect();
    argv.push(std::ptr::null());
    std::process::exit(unsafe { wake_main(words.len() as c_int, argv.as_ptr()) });
}
