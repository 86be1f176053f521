//! Texts from files in messages: as much as helps to recognise them, never all of 16 MiB.

use std::borrow::Cow;

use crate::shown::without_secrets;

/// Characters of a text that a message shows.
pub(crate) const SHOWN: usize = 200;

/// A text as a message shows it: short, and without the secrets in it.
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    // Masked as a whole: a secret that is cut in two is not recognised any more.
    match without_secrets(text) {
        Cow::Borrowed(text) => at_most(text, SHOWN),
        Cow::Owned(masked) => Cow::Owned(at_most(&masked, SHOWN).into_owned()),
    }
}

/// The first `most` characters of a text, with a remark when there are more.
pub(crate) fn at_most(text: &str, most: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(most) else { return Cow::Borrowed(text) };
    let (head, rest) = text.split_at(end);
    Cow::Owned(format!("{head}… ({} more characters)", rest.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_says_how_much_is_missing() {
        let long = "ä".repeat(SHOWN);
        assert_eq!(excerpt(&long), long);
        assert_eq!(excerpt(&format!("{long}öü")), format!("{long}… (2 more characters)"));
    }
}
