//! Connections: `initialize_connection`, `terminate_connection`, `remove_export`, and attachments (`spec/manager.md` §6).
//!
//! Somebody waits for each of these. Export comes before connection, every time; the driver takes both again.

use cinder_db::attachments;
use cinder_db::volumes::{self, Volume};
use cinder_db::{Timestamp, changes};
use cinder_driver::{
    AttachmentView, Call, Connector, Map, Operation, RecordedOp, Revealed, Terminated, VolumeView,
};
use cinder_objects::{
    AttachmentDelete, AttachmentUpdate, Dict, InitializeConnection, RemoveExport,
    TerminateConnection,
};
use cinder_types::{AttachStatus, AttachmentId, RequestContext, VolumeId, VolumeStatus};
use serde_json::{Map as JsonMap, Value, json};
use tracing::{error, info};

use crate::convert;
use crate::course::Course;
use crate::error::Failure;
use crate::manager::{BlockSizes, LOG, Manager};
use crate::notify::OfVolume;
use crate::volume::limits;

/// The keys of [`BlockSizes`].
const BLOCK_SIZES: [&str; 2] = ["physical_block_size", "logical_block_size"];

/// A connection that is about to be made.
struct Wanted<'a> {
    volume: &'a Volume,
    connector: &'a Dict,
    /// Of which attachment, if it is one's.
    attachment: Option<&'a AttachmentId>,
}

impl Manager {
    pub(crate) fn initialize_connection(
        &self,
        args: InitializeConnection,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let id = args.volume.id()?;
        course.about(id.as_str());
        let volume = self.find_volume(&mut *self.connection()?, &id)?;
        let wanted = Wanted { volume: &volume, connector: &args.connector, attachment: None };
        let info = self.connect(&wanted, request, course)?;
        info!(target: LOG, "Initialize volume connection completed successfully.");
        Ok(Value::Object(info))
    }

    /// Exports and connects; what callers are told.
    fn connect(
        &self,
        wanted: &Wanted<'_>,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<JsonMap<String, Value>, Failure> {
        self.ready_driver()?;
        let Wanted { volume, connector, attachment } = wanted;
        let id = &volume.row.id;
        let connector = Connector::new(Map::from_json(&Value::Object(connector.0.clone())));
        self.driver.validate_connector(&connector).map_err(|error| match error {
            cinder_driver::DriverError::Refused(_) => {
                let text = error.to_string();
                Failure::new("InvalidInput", format!("Invalid input received: {text}"))
                    .with("reason", text)
            }
            other => back_end(&other),
        })?;
        let view = self.view(&mut *self.connection()?, volume)?;
        let context = self.context(Call::InitializeConnection, request);
        course.step("export");
        let update = self
            .driver
            .create_export(&view, Some(&connector), &context)
            .map_err(|error| back_end(&error))?;
        if !update.is_empty() {
            let written = self.connection().and_then(|mut connection| {
                self.write_notes(&mut connection, id, &update)?;
                let change = convert::volume_change(update);
                Ok(volumes::update(&mut connection, id, &change.into())?)
            });
            if let Err(failure) = written {
                self.take_export_down(&view, request);
                let text = format!("Failed to export for volume: {failure}");
                return Err(Failure::new("ExportFailure", text).with("reason", failure.message));
            }
        }
        // The driver may look at what it has just had written.
        let mut connection = self.connection()?;
        let volume = self.find_volume(&mut connection, id)?;
        let view = self.view(&mut connection, &volume)?;
        drop(connection);
        let others: Vec<AttachmentView> =
            view.attachments.iter().filter(|one| Some(&one.id) != *attachment).cloned().collect();
        course.step("connect");
        let operation = || {
            let host = connector.host().map(str::to_owned);
            RecordedOp::from(Operation::InitializeConnection { volume: (&view).into(), host })
        };
        let call = |driver: &dyn cinder_driver::Driver| {
            driver.initialize_connection(&view, &connector, &others, &context)
        };
        // What settles it knows no connection information, which only the call itself gives.
        let connected =
            self.drive(operation, &context, course, |driver| call(driver).map(Some), |_| None);
        let connected = match connected {
            Ok(Some(info)) => Ok(info),
            Ok(None) => call(&*self.driver),
            Err(error) => Err(error),
        };
        let info = connected.map_err(|error| {
            self.take_export_down(&view, request);
            back_end(&error)
        })?;
        let json = serde_json::to_value(Revealed(&info));
        match json {
            Ok(Value::Object(json)) => self.completed(json, &volume, &view, &connector),
            _ => Err(Failure::new(
                "VolumeBackendAPIException",
                format!("the driver {} told no connection", self.driver.about().name),
            )),
        }
    }

    /// What callers are told beside what the driver says (`spec/manager.md` §6.1).
    fn completed(
        &self,
        mut info: JsonMap<String, Value>,
        volume: &Volume,
        view: &VolumeView,
        connector: &Connector,
    ) -> Result<JsonMap<String, Value>, Failure> {
        let note = |key: &str| volume.admin_metadata.get(key).cloned().flatten();
        let mode = note("attached_mode").unwrap_or_else(|| {
            let is_read_only = note("readonly").is_some_and(|value| value == "True");
            if is_read_only { "ro" } else { "rw" }.to_owned()
        });
        let data = info.entry("data").or_insert_with(|| json!({}));
        if let Value::Object(data) = data {
            data.insert("qos_specs".to_owned(), limits::of_front_end(view)?);
            data.insert("access_mode".to_owned(), mode.into());
            let encrypted = volume.row.encryption_key_id.is_some();
            data.entry("encrypted").or_insert(encrypted.into());
            if let Some(kind) = &volume.volume_type {
                let wanted = kind.extra_specs.get("cacheable").cloned().flatten();
                let wanted = wanted.is_some_and(|value| value == "<is> True");
                let driver = data.get("cacheable").and_then(Value::as_bool).unwrap_or(true);
                data.insert("cacheable".to_owned(), (wanted && driver).into());
            }
            if self.options.reports_discard && data.get("discard").is_none_or(Value::is_null) {
                data.insert("discard".to_owned(), true.into());
            }
            let has_sizes = BLOCK_SIZES.iter().any(|key| data.contains_key(*key));
            if let Some(BlockSizes { physical, logical }) = self.options.block_sizes
                && !has_sizes
            {
                let sizes = BLOCK_SIZES.into_iter().zip([physical, logical]);
                data.extend(sizes.map(|(key, bytes)| (key.to_owned(), bytes.into())));
            }
            data.insert("enforce_multipath".to_owned(), enforce_multipath(connector).into());
        }
        Ok(info)
    }

    fn take_export_down(&self, view: &VolumeView, request: &RequestContext) {
        if let Err(cause) =
            self.driver.remove_export(view, &self.context(Call::RemoveExport, request))
        {
            error!(
                target: LOG,
                "The export of volume {} cannot be removed: {}", view.id, cinder_db::chain(&cause)
            );
        }
    }

    pub(crate) fn terminate_connection(
        &self,
        args: TerminateConnection,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let id = VolumeId::new(args.volume_id);
        course.about(id.as_str());
        self.ready_driver()?;
        let volume = self.find_volume(&mut *self.connection()?, &id)?;
        let connector =
            args.connector.map(|one| Connector::new(Map::from_json(&Value::Object(one.0))));
        self.disconnect(&volume, connector.as_ref(), args.force, None, request, course)?;
        Ok(Value::Null)
    }

    fn disconnect(
        &self,
        volume: &Volume,
        connector: Option<&Connector>,
        force: bool,
        attachment: Option<&AttachmentId>,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Terminated, Failure> {
        let view = self.view(&mut *self.connection()?, volume)?;
        let others: Vec<AttachmentView> =
            view.attachments.iter().filter(|one| Some(&one.id) != attachment).cloned().collect();
        let context = self.context(Call::TerminateConnection, request);
        let operation = || {
            let host = connector.and_then(Connector::host).map(str::to_owned);
            RecordedOp::from(Operation::TerminateConnection { volume: (&view).into(), host })
        };
        let call = |driver: &dyn cinder_driver::Driver| {
            driver.terminate_connection(&view, connector, force, &others, &context)
        };
        let ended = self.drive(operation, &context, course, call, |_| Terminated::Closed);
        ended.map_err(|error| back_end(&error))
    }

    pub(crate) fn remove_export(
        &self,
        args: RemoveExport,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let id = VolumeId::new(args.volume_id);
        course.about(id.as_str());
        self.ready_driver()?;
        let mut connection = self.connection()?;
        let volume = self.find_volume(&mut connection, &id)?;
        let view = self.view(&mut connection, &volume)?;
        drop(connection);
        self.driver.remove_export(&view, &self.context(Call::RemoveExport, request)).map_err(
            |error| {
                let text = cinder_db::chain(&error);
                Failure::new(
                    "RemoveExportException",
                    format!("Failed to remove export for volume {id}: {text}"),
                )
                .with("volume", id.as_str())
                .with("reason", text)
            },
        )?;
        Ok(Value::Null)
    }

    pub(crate) fn attachment_update(
        &self,
        args: AttachmentUpdate,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let (id, attachment_id) = (args.vref.id()?, AttachmentId::new(args.attachment_id));
        course.about(id.as_str());
        let mut connection = self.connection()?;
        let found = attachments::get(&mut connection, &attachment_id)?;
        let volume = self.find_volume(&mut connection, &id);
        drop(connection);
        if let Ok(volume) = &volume {
            self.tell_of_volume(request, volume, OfVolume::AttachStart);
        }
        let attachment = found.ok_or_else(|| attachment_not_found(&attachment_id))?;
        let volume = volume?;
        let mut connector = args.connector;
        let asked = connector.0.get("mode").and_then(Value::as_str).unwrap_or("rw").to_owned();
        let given = attachment.attach_mode.filter(|mode| mode != "null");
        let mode = given.inspect(|mode| {
            connector.0.insert("mode".to_owned(), mode.as_str().into());
        });
        let mode = mode.unwrap_or(asked);
        let wanted =
            Wanted { volume: &volume, connector: &connector, attachment: Some(&attachment_id) };
        let info = self.connect(&wanted, request, course).inspect_err(|failure| {
            self.attachment_failed(&id, &attachment_id, failure);
        })?;
        course.step("finish");
        let text = |key: &str| connector.0.get(key).and_then(Value::as_str).map(str::to_owned);
        let change = attachments::Change {
            connector: changes::to(Value::Object(connector.0.clone()).to_string()),
            attach_status: changes::to(AttachStatus::ATTACHING),
            mountpoint: changes::to(text("mountpoint").unwrap_or_else(|| "na".to_owned())),
            attached_host: changes::to(text("host").unwrap_or_default()),
            attach_time: changes::to(Timestamp::now()),
            attach_mode: changes::to(mode),
            ..attachments::Change::default()
        };
        self.patiently(|connection| {
            attachments::change_locked(connection, &id, &attachment_id, |_, _| {
                attachments::Update {
                    volume: volumes::Change {
                        status: changes::to(VolumeStatus::ATTACHING),
                        attach_status: changes::to(AttachStatus::ATTACHING),
                        ..volumes::Change::default()
                    },
                    attachment: change.clone(),
                    ..attachments::Update::default()
                }
            })?;
            Ok(())
        })?;
        Ok(Value::Object(flat(info, &attachment_id, &connector)))
    }

    fn attachment_failed(&self, volume: &VolumeId, id: &AttachmentId, failure: &Failure) {
        if !failure.is("DriverNotInitialized") {
            return;
        }
        let change = attachments::Change {
            attach_status: changes::to(AttachStatus::new("error_attaching".to_owned())),
            ..attachments::Change::default()
        };
        let written = self
            .connection()
            .and_then(|mut connection| Ok(attachments::update(&mut connection, id, &change)?));
        if let Err(cause) = written {
            error!(target: LOG, "Attachment {id} of volume {volume} cannot be marked: {cause}");
        }
    }

    pub(crate) fn attachment_delete(
        &self,
        args: AttachmentDelete,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<Value, Failure> {
        let (id, attachment_id) = (args.vref.id()?, AttachmentId::new(args.attachment_id));
        course.about(id.as_str());
        self.ready_driver()?;
        let mut connection = self.connection()?;
        let found = attachments::get(&mut connection, &attachment_id)?;
        let attachment = found.ok_or_else(|| attachment_not_found(&attachment_id))?;
        let volume = self.find_volume(&mut connection, &id)?;
        drop(connection);
        self.tell_of_volume(request, &volume, OfVolume::DetachStart);
        let connector = attachment.connector.as_deref().map(convert::connector).transpose()?;
        let ended = match &connector {
            None => Terminated::Closed,
            Some(connector) => self.disconnect(
                &volume,
                Some(connector),
                false,
                Some(&attachment_id),
                request,
                course,
            )?,
        };
        if matches!(ended, Terminated::Closed) {
            let view = self.view(&mut *self.connection()?, &volume)?;
            self.take_export_down(&view, request);
        }
        Ok(Value::Null)
    }
}

/// An error of the back end as those who wait are told.
fn back_end(error: &cinder_driver::DriverError) -> Failure {
    let text = cinder_db::chain(error);
    let message = format!("Bad or unexpected response from the storage volume backend API: {text}");
    Failure::new("VolumeBackendAPIException", message).with("data", text)
}

fn attachment_not_found(id: &AttachmentId) -> Failure {
    let text = format!("Volume attachment could not be found with filter: attachment_id = {id}.");
    Failure::new("VolumeAttachmentNotFound", text).with("filter", format!("attachment_id = {id}"))
}

fn enforce_multipath(connector: &Connector) -> bool {
    let value = serde_json::to_value(Revealed(connector.fields())).unwrap_or(Value::Null);
    value.get("enforce_multipath").and_then(Value::as_bool).unwrap_or(false)
}

/// The flat form of a connection that attachments have.
fn flat(
    mut info: JsonMap<String, Value>,
    id: &AttachmentId,
    connector: &Dict,
) -> JsonMap<String, Value> {
    let mut flat = match info.remove("data") {
        Some(Value::Object(data)) => data,
        _ => JsonMap::new(),
    };
    flat.extend(info);
    flat.insert("attachment_id".to_owned(), id.as_str().into());
    let enforce = connector.0.get("enforce_multipath").cloned().unwrap_or(Value::Bool(false));
    flat.insert("enforce_multipath".to_owned(), enforce);
    flat
}
