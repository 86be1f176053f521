//! Table `messages`.

use diesel::prelude::*;

use crate::{dialect::Native, rows::message::NewMessage, schema::messages};

pub(crate) fn insert(native: &mut Native, message: &NewMessage<'_>) -> QueryResult<()> {
    diesel::insert_into(messages::table).values(message).execute(native).map(drop)
}
