//! Frames on a local socket: one byte of kind, eight of tag, four of length, the body.
//!
//! Must not: read or write a socket. A length is believed only up to [`LARGEST_BODY`], and memory
//! for a body is taken as its bytes arrive, not as its length promises.

use crate::envelope::LARGEST_BODY;

/// Bytes in front of a body.
pub(super) const HEAD: usize = 13;

/// Bytes of a body that are copied behind its head for less work of the kernel.
pub(super) const SMALL: usize = 16 * 1024;
/// Bytes that must have come of a body before memory is set aside for the rest of it. As many as all
/// clients together may have on their way before only one goes on: so there is one such place, and
/// the next large body finds it free.
pub(super) const SERIOUS: usize = 4 * 1024 * 1024;

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// From a client: a message.
    Message,
    /// From a client: a message that it may have sent before.
    MessageAgain,
    /// From a server: the message need not be kept.
    Acknowledged,
    /// From a server: it was not carried out; send it again.
    GivenBack,
    /// From a server: nobody can carry it out.
    Rejected,
    /// From a server: a reply.
    Reply,
}

const KINDS: [Kind; 6] = [
    Kind::Message,
    Kind::MessageAgain,
    Kind::Acknowledged,
    Kind::GivenBack,
    Kind::Rejected,
    Kind::Reply,
];

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// The client's number for a message.
    pub(super) tag: u64,
    pub(super) body: Vec<u8>,
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of unknown kind {0}")]
    Kind(u8),
    #[error("a frame of {0} bytes; {LARGEST_BODY} are the most")]
    Length(u32),
}

impl Frame {
    /// What stands in front of a body.
    pub(super) fn head(kind: Kind, tag: u64, body: &[u8]) -> [u8; HEAD] {
        let kind = KINDS.iter().position(|one| *one == kind).unwrap_or_default();
        let mut head = [0; HEAD];
        // Neither conversion loses anything: there are six kinds, and no body is over 4 GiB.
        head[0] = kind as u8;
        head[1..9].copy_from_slice(&tag.to_be_bytes());
        head[9..].copy_from_slice(&(body.len() as u32).to_be_bytes());
        head
    }
}

/// Bytes that have arrived and were not taken out as frames yet.
#[derive(Debug, Default)]
pub(super) struct Unread {
    bytes: Vec<u8>,
    /// Bytes in front that belong to frames taken out before.
    taken: usize,
}

impl Unread {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Growing by doubling would move a large body again and again, and leave holes where it was.
        if self.len() > SERIOUS
            && let Ok(Some(missing)) = self.missing()
        {
            self.bytes.reserve_exact(missing);
        }
    }

    /// Bytes that the first frame lacks; nothing while it has no head.
    fn missing(&self) -> Result<Option<usize>, FrameError> {
        let unread = self.bytes.get(self.taken..).unwrap_or_default();
        let Some((head, rest)) = unread.split_at_checked(HEAD) else { return Ok(None) };
        let (_, _, length) = head_of(head)?;
        Ok(Some(length.saturating_sub(rest.len())))
    }

    /// Bytes that the first frame will have; as far as is known.
    pub(super) fn wanted(&self) -> usize {
        match self.missing() {
            Ok(Some(missing)) => self.len() + missing,
            _ => self.len(),
        }
    }

    /// Whether the first frame can be taken out, or is none.
    pub(super) fn is_whole(&self) -> bool {
        !matches!(self.missing(), Ok(None | Some(1..)))
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Takes the first frame out if it is whole.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let unread = self.bytes.get(self.taken..).unwrap_or_default();
        let Some((head, rest)) = unread.split_at_checked(HEAD) else { return Ok(None) };
        let (kind, tag, length) = head_of(head)?;
        let Some(body) = rest.get(..length) else { return Ok(None) };
        if rest.len() > length {
            let body = body.to_vec();
            self.forget(HEAD + length);
            return Ok(Some(Frame { kind, tag, body }));
        }
        // Nothing follows: the memory of a large body is handed on instead of copied, and what it
        // needed is not kept for the small ones that follow.
        let mut body = std::mem::take(&mut self.bytes);
        body.drain(..self.taken + HEAD);
        self.taken = 0;
        Ok(Some(Frame { kind, tag, body }))
    }

    /// Bytes are moved rarely: a thousand small frames in one buffer must not move it each.
    fn forget(&mut self, count: usize) {
        self.taken += count;
        if self.taken > self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }
}

fn head_of(head: &[u8]) -> Result<(Kind, u64, usize), FrameError> {
    let (&kind, rest) = head.split_first().unwrap_or((&u8::MAX, &[]));
    let (tag, length) = rest.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let known = KINDS.get(usize::from(kind)).ok_or(FrameError::Kind(kind))?;
    let length = number(length);
    match usize::try_from(length) {
        Ok(length) if length <= LARGEST_BODY => Ok((*known, number(tag), length)),
        _ => Err(FrameError::Length(u32::try_from(length).unwrap_or(u32::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_however_they_are_cut() {
        let frames = KINDS.map(|kind| Frame { kind, tag: u64::MAX - 5, body: b"{}".to_vec() });
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|frame| {
                [&Frame::head(frame.kind, frame.tag, &frame.body), frame.body.as_slice()].concat()
            })
            .collect();
        for size in [1, 2, 7, HEAD, HEAD + 1, bytes.len()] {
            let (mut unread, mut read) = (Unread::default(), Vec::new());
            for chunk in bytes.chunks(size) {
                unread.push(chunk);
                while let Some(frame) = unread.next().expect("good frames") {
                    read.push(frame);
                }
            }
            assert_eq!((read.as_slice(), unread.len()), (frames.as_slice(), 0), "{size}");
        }
    }

    #[test]
    fn nonsense_and_frames_of_4_gib_are_known_by_their_head() {
        let read = |head: [u8; HEAD]| {
            let mut unread = Unread::default();
            unread.push(&head);
            unread.next()
        };
        let head = |kind, length: u32| {
            let mut head = [0; HEAD];
            head[0] = kind;
            head[9..].copy_from_slice(&length.to_be_bytes());
            head
        };
        assert_eq!(read(head(6, 0)), Err(FrameError::Kind(6)));
        assert_eq!(read(*b"GET / HTTP/1."), Err(FrameError::Kind(b'G')));
        assert_eq!(read(head(0, u32::MAX)), Err(FrameError::Length(u32::MAX)));
        assert_eq!(read(head(0, LARGEST_BODY as u32)), Ok(None));
        assert!(read(head(0, LARGEST_BODY as u32 + 1)).is_err());
    }
}
