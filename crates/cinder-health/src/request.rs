//! What a client asks for: the first line of a request, with the rest of its head thrown away.
//!
//! Parsing is `httparse`'s. Must not: read a body; no path here takes one.

/// Longest head of a request. A browser that comes with all cookies of its host sends less.
pub(crate) const HEAD_BYTES: usize = 8 * 1024;
/// Most header lines.
const HEADERS: usize = 64;

/// A request that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Without the query.
    pub(crate) path: String,
}

/// What a client wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Other,
}

/// How far reading has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    Done(Request),
    More,
    /// The status to refuse it with.
    Bad(u16),
}

/// Looks at what has come so far.
pub(crate) fn read(input: &[u8]) -> Reading {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(input) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if input.len() < HEAD_BYTES => return Reading::More,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Reading::Bad(431);
        }
        Err(httparse::Error::Version) => return Reading::Bad(505),
        Err(_) => return Reading::Bad(400),
    }
    let method = match parsed.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => Method::Other,
    };
    let target = parsed.path.unwrap_or_default();
    let path = target.split(['?', '#']).next().unwrap_or_default().to_owned();
    Reading::Done(Request { method, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_head_is_a_request() {
        let done = |method, path: &str| Reading::Done(Request { method, path: path.into() });
        for (text, expected) in [
            ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", done(Method::Get, "/metrics")),
            ("HEAD /?a=b HTTP/1.0\r\n\r\n", done(Method::Head, "/")),
            ("DELETE / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", done(Method::Other, "/")),
            ("GET / HTTP/1.1\n\n", done(Method::Get, "/")),
            ("", Reading::More),
            ("GET / HT", Reading::More),
            ("GET / HTTP/1.1\r\nHost: a\r\n", Reading::More),
            ("\u{16}\u{3}\u{1} a TLS greeting", Reading::Bad(400)),
            ("GET / HTTP/2.0\r\n\r\n", Reading::Bad(505)),
            ("GET / HTTP/1.1\r\nbad header\r\n\r\n", Reading::Bad(400)),
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_head_without_an_end_is_refused_when_it_is_too_long() {
        let long = format!("GET / HTTP/1.1\r\nCookie: {}", "x".repeat(HEAD_BYTES));
        assert_eq!(read(&long.as_bytes()[..HEAD_BYTES - 1]), Reading::More);
        assert_eq!(read(&long.as_bytes()[..HEAD_BYTES]), Reading::Bad(431));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(HEADERS + 1));
        assert_eq!(read(many.as_bytes()), Reading::Bad(431));
    }
}
