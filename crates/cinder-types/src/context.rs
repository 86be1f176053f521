//! Who asked for what: the context that comes with every message and goes on with what follows
//! from it (`spec/rpc.md §4`).
//!
//! Must not: make ids or look at a clock; both are given to it. Must not show the token: it leaves
//! through [`RequestContext::forward`] and nowhere else.

use serde_json::{Map, Value, json};

use crate::{
    id::{ProjectId, UserId},
    secret::Secret,
};

/// The role that an administrator has.
const ADMIN: &str = "admin";

/// Kinds of services that stay in a catalogue; a volume service talks to no others.
const SERVICES: [&str; 5] = ["identity", "compute", "object-store", "image", "key-manager"];

/// Which rows a request may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadDeleted {
    /// Live ones.
    #[default]
    No,
    /// All.
    Yes,
    /// Deleted ones.
    Only,
}

impl ReadDeleted {
    const ALL: [Self; 3] = [Self::No, Self::Yes, Self::Only];

    /// As it stands in a message.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::Only => "only",
        }
    }
}

/// A context that cannot be meant. The value is not told: it might be the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} of a request context is not {expected}")]
pub struct ContextError {
    /// Which of its keys.
    pub key: &'static str,
    /// What it has to be.
    pub expected: &'static str,
}

/// The context of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestContext {
    /// `req-` and a uuid; stays the same along all that follows from the request.
    pub request_id: String,
    /// That of the service which the request came from.
    pub global_request_id: Option<String>,
    /// Who asked.
    pub user_id: Option<UserId>,
    /// For which project.
    pub project_id: Option<ProjectId>,
    /// The name of that.
    pub project_name: Option<String>,
    /// The domain that the token is for.
    pub domain_id: Option<String>,
    /// The user's domain.
    pub user_domain_id: Option<String>,
    /// The project's domain.
    pub project_domain_id: Option<String>,
    /// Whether it may do what administrators may.
    pub is_admin: bool,
    /// The roles of the user.
    pub roles: Vec<String>,
    /// Which rows it may see.
    pub read_deleted: ReadDeleted,
    /// The client's address.
    pub remote_address: Option<String>,
    /// When it was asked, as a text of ISO 8601; some senders name a zone, some do not.
    pub timestamp: Option<String>,
    /// The class whose quotas count.
    pub quota_class: Option<String>,
    /// Where other services are, as the identity service tells it.
    pub service_catalog: Vec<Value>,
    /// What a message to the user would be about.
    pub message_resource_id: Option<String>,
    /// The kind of that.
    pub message_resource_type: Option<String>,
    /// What was being done with it.
    pub message_action: Option<String>,
    /// What other services know the user by.
    pub auth_token: Option<Secret>,
}

impl RequestContext {
    /// The service's own context, for what nobody asked for.
    #[must_use]
    pub fn own(request_id: impl Into<String>, timestamp: impl Into<String>) -> Self {
        Self {
            request_id: request_id.into(),
            global_request_id: None,
            user_id: None,
            project_id: None,
            project_name: None,
            domain_id: None,
            user_domain_id: None,
            project_domain_id: None,
            is_admin: true,
            roles: vec![ADMIN.to_owned()],
            read_deleted: ReadDeleted::No,
            remote_address: None,
            timestamp: Some(timestamp.into()),
            quota_class: None,
            service_catalog: Vec::new(),
            message_resource_id: None,
            message_resource_type: None,
            message_action: None,
            auth_token: None,
        }
    }

    /// Reads the context of a message, whose keys have no prefix any more.
    ///
    /// Keys that are not known do not matter, one that is missing is as good as null. Without a
    /// request id it gets `fresh_id`. Whoever says to be an administrator gets the role; whoever
    /// says nothing about it is one by the role.
    ///
    /// # Errors
    ///
    /// [`ContextError`] if a key has a value of another kind than any sender writes.
    pub fn parse(
        map: &Map<String, Value>,
        fresh_id: impl FnOnce() -> String,
    ) -> Result<Self, ContextError> {
        let text = |key| text(map, key);
        let mut roles = roles(map)?;
        let is_admin = match map.get("is_admin") {
            None | Some(Value::Null) => is_among(&roles),
            Some(Value::Bool(is_admin)) => *is_admin,
            Some(_) => return Err(ContextError { key: "is_admin", expected: "true or false" }),
        };
        if is_admin {
            add_admin(&mut roles);
        }
        Ok(Self {
            request_id: text("request_id")?.unwrap_or_else(fresh_id),
            global_request_id: text("global_request_id")?,
            user_id: text("user_id")?.map(UserId::new),
            project_id: text("project_id")?.map(ProjectId::new),
            project_name: text("project_name")?,
            domain_id: text("domain_id")?,
            user_domain_id: text("user_domain")?,
            project_domain_id: text("project_domain")?,
            is_admin,
            roles,
            read_deleted: read_deleted(map)?,
            remote_address: text("remote_address")?,
            timestamp: text("timestamp")?,
            quota_class: text("quota_class")?,
            service_catalog: service_catalog(map)?,
            message_resource_id: text("message_resource_id")?,
            message_resource_type: text("message_resource_type")?,
            message_action: text("message_action")?,
            auth_token: text("auth_token")?.map(Secret::new),
        })
    }

    /// The same with the rights of an administrator.
    #[must_use]
    pub fn elevated(&self) -> Self {
        let mut elevated = self.clone();
        elevated.is_admin = true;
        add_admin(&mut elevated.roles);
        elevated
    }

    /// What of it goes into a notification, at that moment: nothing by which its reader could act for the user, or
    /// know more of the request than who asked (`spec/rpc.md §9`).
    #[must_use]
    pub fn redacted(&self, timestamp: impl Into<String>) -> Self {
        Self {
            read_deleted: ReadDeleted::No,
            remote_address: None,
            timestamp: Some(timestamp.into()),
            quota_class: None,
            service_catalog: Vec::new(),
            message_resource_id: None,
            message_resource_type: None,
            message_action: None,
            auth_token: None,
            ..self.clone()
        }
    }

    /// What goes into a message that follows from the request; it has the same request id.
    ///
    /// The token is in it: others act for the user with it. Must not be logged.
    #[must_use]
    pub fn forward(&self) -> Map<String, Value> {
        let user = self.user_id.as_ref().map(UserId::as_str);
        let project = self.project_id.as_ref().map(ProjectId::as_str);
        let context = json!({
            "user": user,
            "user_id": user,
            "project": project,
            "project_id": project,
            "project_name": self.project_name,
            "domain": self.domain_id,
            "domain_id": self.domain_id,
            "user_domain": self.user_domain_id,
            "project_domain": self.project_domain_id,
            "user_identity": self.identity(),
            "is_admin": self.is_admin,
            "roles": self.roles,
            "auth_token": self.auth_token.as_ref().map(Secret::reveal),
            "request_id": self.request_id,
            "global_request_id": self.global_request_id,
            "read_deleted": self.read_deleted.as_str(),
            "remote_address": self.remote_address,
            "timestamp": self.timestamp,
            "quota_class": self.quota_class,
            "service_catalog": self.service_catalog,
            "message_resource_id": self.message_resource_id,
            "message_resource_type": self.message_resource_type,
            "message_action": self.message_action,
            // Receivers keep none of these, and upstream's sends them all the same.
            "system_scope": null,
            "is_admin_project": true,
            "read_only": false,
            "show_deleted": false,
            "resource_uuid": null,
        });
        match context {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// The five ids in one text, `-` for one that is not set.
    fn identity(&self) -> String {
        let parts = [
            self.user_id.as_ref().map(UserId::as_str),
            self.project_id.as_ref().map(ProjectId::as_str),
            self.domain_id.as_deref(),
            self.user_domain_id.as_deref(),
            self.project_domain_id.as_deref(),
        ];
        parts.map(|part| part.filter(|text| !text.is_empty()).unwrap_or("-")).join(" ")
    }

    /// The fields of the span in which the request is carried out, for every log line inside.
    ///
    /// Names and forms are those that the log's layouts ask for (`spec/logging.md §4`): truth as in
    /// Python, lists divided by commas. What is not set has no field; the token is stars.
    #[must_use]
    pub fn span_fields(&self) -> Vec<(&'static str, String)> {
        let truth = |value: bool| Some(if value { "True" } else { "False" }.to_owned());
        let user = self.user_id.as_ref().map(UserId::to_string);
        let project = self.project_id.as_ref().map(ProjectId::to_string);
        let fields = [
            ("request_id", Some(self.request_id.clone())),
            ("global_request_id", self.global_request_id.clone()),
            ("user", user.clone()),
            ("user_id", user),
            ("project", project.clone()),
            ("project_id", project),
            ("project_name", self.project_name.clone()),
            ("domain", self.domain_id.clone()),
            ("domain_id", self.domain_id.clone()),
            ("user_domain", self.user_domain_id.clone()),
            ("project_domain", self.project_domain_id.clone()),
            ("is_admin", truth(self.is_admin)),
            ("is_admin_project", truth(true)),
            ("read_only", truth(false)),
            ("show_deleted", truth(false)),
            ("roles", Some(self.roles.join(","))),
            ("read_deleted", Some(self.read_deleted.as_str().to_owned())),
            ("remote_address", self.remote_address.clone()),
            ("timestamp", self.timestamp.clone()),
            ("quota_class", self.quota_class.clone()),
            ("message_resource_id", self.message_resource_id.clone()),
            ("message_resource_type", self.message_resource_type.clone()),
            ("message_action", self.message_action.clone()),
            ("auth_token", self.auth_token.as_ref().map(|_| "***".to_owned())),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn is_among(roles: &[String]) -> bool {
    roles.iter().any(|role| role == ADMIN)
}

fn add_admin(roles: &mut Vec<String>) {
    if !is_among(roles) {
        roles.push(ADMIN.to_owned());
    }
}

fn text(map: &Map<String, Value>, key: &'static str) -> Result<Option<String>, ContextError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ContextError { key, expected: "a text" }),
    }
}

fn list<'a>(
    map: &'a Map<String, Value>,
    key: &'static str,
    expected: &'static str,
) -> Result<&'a [Value], ContextError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(ContextError { key, expected }),
    }
}

fn roles(map: &Map<String, Value>) -> Result<Vec<String>, ContextError> {
    const EXPECTED: &str = "a list of texts";
    let role = |role: &Value| role.as_str().map(str::to_owned);
    let roles = list(map, "roles", EXPECTED)?.iter().map(role).collect::<Option<_>>();
    roles.ok_or(ContextError { key: "roles", expected: EXPECTED })
}

fn read_deleted(map: &Map<String, Value>) -> Result<ReadDeleted, ContextError> {
    const KEY: &str = "read_deleted";
    let Some(text) = text(map, KEY)? else { return Ok(ReadDeleted::No) };
    let known = ReadDeleted::ALL.into_iter().find(|one| one.as_str() == text);
    known.ok_or(ContextError { key: KEY, expected: "no, yes or only" })
}

fn service_catalog(map: &Map<String, Value>) -> Result<Vec<Value>, ContextError> {
    let all = list(map, "service_catalog", "a list")?.iter();
    let ours = |entry: &&Value| entry["type"].as_str().is_some_and(|kind| SERVICES.contains(&kind));
    Ok(all.filter(ours).cloned().collect())
}
