//! What a request wants to see of items and folders: base shapes, field URIs, header fields, extended properties.

use std::fmt::Write as _;

use uuid::Uuid;

use super::answer::Refusal;
use super::xml::{Node, escape};

/// Fields of folders.
const FOLDER_FIELDS: [&str; 16] = [
    "FolderId",
    "ParentFolderId",
    "DisplayName",
    "UnreadCount",
    "TotalCount",
    "ChildFolderCount",
    "FolderClass",
    "SearchParameters",
    "ManagedFolderInformation",
    "PermissionSet",
    "EffectiveRights",
    "SharingEffectiveRights",
    "DistinguishedFolderId",
    "PolicyTag",
    "ArchiveTag",
    "ReplicaList",
];

/// Fields of items that exist and are not served, so that they come back empty.
const UNSERVED_FIELDS: [&str; 31] = [
    "item:ResponseObjects",
    "item:ReminderDueBy",
    "item:ReminderNextTime",
    "item:ReminderMinutesBeforeStart",
    "item:StoreEntryId",
    "item:NormalizedBody",
    "item:EntityExtractionResult",
    "item:PolicyTag",
    "item:ArchiveTag",
    "item:RetentionDate",
    "item:PredictedActionReasons",
    "item:IsClutter",
    "item:RightsManagementLicenseData",
    "item:BlockStatus",
    "item:HasBlockedImages",
    "item:WebClientEditFormQueryString",
    "item:IconIndex",
    "item:MimeContentUTF8",
    "item:Mentions",
    "item:MentionedMe",
    "item:Hashtags",
    "item:InferenceClassification",
    "item:CanDelete",
    "item:FirstBody",
    "message:ApprovalRequestData",
    "message:VotingInformation",
    "message:ReminderMessageData",
    "message:PublishedCalendarItemIcs",
    "message:PublishedCalendarItemName",
    "message:MessageSafety",
    "item:AtAllMention",
];

/// The fields of a message that are served, in the order in which the schema has their elements.
pub(crate) const MESSAGE_FIELDS: [&str; 54] = [
    "item:MimeContent",
    "item:ItemId",
    "item:ParentFolderId",
    "item:ItemClass",
    "item:Subject",
    "item:Sensitivity",
    "item:Body",
    "item:Attachments",
    "item:DateTimeReceived",
    "item:Size",
    "item:Categories",
    "item:Importance",
    "item:InReplyTo",
    "item:IsSubmitted",
    "item:IsDraft",
    "item:IsFromMe",
    "item:IsResend",
    "item:IsUnmodified",
    "item:InternetMessageHeaders",
    "item:DateTimeSent",
    "item:DateTimeCreated",
    "item:ReminderIsSet",
    "item:DisplayCc",
    "item:DisplayTo",
    "item:DisplayBcc",
    "item:HasAttachments",
    // No URI of the schema: it stands where the schema has extended properties.
    "item:ExtendedProperty",
    "item:Culture",
    "item:EffectiveRights",
    "item:LastModifiedName",
    "item:LastModifiedTime",
    "item:IsAssociated",
    "item:WebClientReadFormQueryString",
    "item:ConversationId",
    "item:UniqueBody",
    "item:Flag",
    "item:InstanceKey",
    "item:Preview",
    "item:TextBody",
    "message:Sender",
    "message:ToRecipients",
    "message:CcRecipients",
    "message:BccRecipients",
    "message:IsReadReceiptRequested",
    "message:IsDeliveryReceiptRequested",
    "message:ConversationIndex",
    "message:ConversationTopic",
    "message:From",
    "message:InternetMessageId",
    "message:IsRead",
    "message:IsResponseRequested",
    "message:References",
    "message:ReplyTo",
    "message:ReceivedBy",
];

/// What the base shape `Default` has of a message.
const DEFAULT_FIELDS: [&str; 15] = [
    "item:ItemId",
    "item:Subject",
    "item:Sensitivity",
    "item:Body",
    "item:Attachments",
    "item:Size",
    "item:DateTimeSent",
    "item:DateTimeCreated",
    "item:HasAttachments",
    "item:IsAssociated",
    "message:ToRecipients",
    "message:CcRecipients",
    "message:IsReadReceiptRequested",
    "message:From",
    "message:IsRead",
];

/// What only GetItem gives, never a listing.
const HEAVY_FIELDS: [&str; 12] = [
    "item:MimeContent",
    "item:Body",
    "item:Attachments",
    "item:InternetMessageHeaders",
    "item:UniqueBody",
    "item:TextBody",
    "message:ToRecipients",
    "message:CcRecipients",
    "message:BccRecipients",
    "message:ReplyTo",
    "message:ReceivedBy",
    "item:WebClientReadFormQueryString",
];

/// Fields that come from the item's own row rather than from its content: a damaged item still has them.
const ROW_FIELDS: [&str; 15] = [
    "item:ItemId",
    "item:ParentFolderId",
    "item:ItemClass",
    "item:DateTimeReceived",
    "item:DateTimeCreated",
    "item:LastModifiedTime",
    "item:IsDraft",
    "item:Size",
    "item:Importance",
    "item:Categories",
    "item:ConversationId",
    "item:Flag",
    "item:InstanceKey",
    "message:InternetMessageId",
    "message:IsRead",
];

/// Whether a field URI exists.
pub(crate) fn is_field(uri: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "calendar:",
        "meeting:",
        "meetingRequest:",
        "contacts:",
        "task:",
        "conversation:",
        "distributionlist:",
        "postitem:",
        "sharingMessage:",
        "persona:",
        "person:",
        "network:",
        "rolemember:",
        "abchperson:",
    ];
    if let Some(name) = uri.strip_prefix("folder:") {
        return FOLDER_FIELDS.contains(&name);
    }
    (uri != "item:ExtendedProperty" && MESSAGE_FIELDS.contains(&uri))
        || UNSERVED_FIELDS.contains(&uri)
        || uri == "message:ReceivedRepresenting"
        || OTHERS.iter().any(|prefix| {
            uri.strip_prefix(prefix)
                .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        })
}

/// An extended property, as its attributes name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    /// As Graph names it, with the property set in lower case: `String {…} Name X`, `String 0x1042`.
    pub(crate) id: String,
    /// The header field's name, for the set of header fields.
    pub(crate) header: Option<String>,
    attributes: Vec<(String, String)>,
}

/// The property sets with names.
const SETS: [(&str, &str); 10] = [
    ("Meeting", "6ed8da90-450b-101b-98da-00aa003f1305"),
    ("Appointment", "00062002-0000-0000-c000-000000000046"),
    ("Common", "00062008-0000-0000-c000-000000000046"),
    ("PublicStrings", "00020329-0000-0000-c000-000000000046"),
    ("Address", "00062004-0000-0000-c000-000000000046"),
    ("InternetHeaders", "00020386-0000-0000-c000-000000000046"),
    ("CalendarAssistant", "11000e07-b51b-40d6-af21-caa85edab1d0"),
    ("UnifiedMessaging", "4442858e-a9e3-4e80-b900-317a210cc15b"),
    ("Task", "00062003-0000-0000-c000-000000000046"),
    ("Sharing", "00062040-0000-0000-c000-000000000046"),
];

impl Property {
    /// Reads an `ExtendedFieldURI`.
    pub(crate) fn read(node: &Node) -> Result<Self, Refusal> {
        let invalid = || {
            Refusal::new(
                "ErrorInvalidExtendedProperty",
                "The extended property attribute combination is invalid.",
            )
        };
        let kind = node.attribute("PropertyType").ok_or_else(invalid)?;
        if ["Error", "Null", "Object", "ObjectArray"].contains(&kind) {
            return Err(Refusal::new(
                "ErrorUnsupportedMapiPropertyType",
                "The extended property type is not supported.",
            ));
        }
        let named = node
            .attribute("DistinguishedPropertySetId")
            .and_then(|name| SETS.iter().find(|(own, _)| *own == name))
            .map(|(_, set)| (*set).to_owned());
        let own = node.attribute("PropertySetId").and_then(|text| Uuid::parse_str(text).ok());
        let set = match (named, own) {
            (Some(_), Some(_)) => return Err(invalid()),
            (named, own) => named.or_else(|| own.map(|set| set.to_string())),
        };
        let (id, header) = match (
            set,
            node.attribute("PropertyTag"),
            node.attribute("PropertyName"),
            node.attribute("PropertyId"),
        ) {
            (None, Some(tag), None, None) => {
                let hex = tag.get(2..).unwrap_or_default();
                let tag = u32::from_str_radix(hex, 16).map_err(|_| invalid())?;
                (format!("{kind} 0x{tag:04x}"), None)
            }
            (Some(set), None, Some(name), None) if !name.is_empty() => {
                let is_header = SETS[5].1 == set;
                (format!("{kind} {{{set}}} Name {name}"), is_header.then(|| name.to_owned()))
            }
            (Some(set), None, None, Some(number)) => {
                let number: u32 = number.parse().map_err(|_| invalid())?;
                (format!("{kind} {{{set}}} Id 0x{number:04x}"), None)
            }
            _ => return Err(invalid()),
        };
        Ok(Self { id, header, attributes: node.attributes.clone() })
    }

    /// Whether several values belong to it.
    pub(crate) fn is_array(&self) -> bool {
        self.id.split(' ').next().is_some_and(|kind| kind.ends_with("Array"))
    }

    /// The element with this value.
    pub(crate) fn element(&self, value: &str) -> String {
        let mut out = String::from("<t:ExtendedProperty><t:ExtendedFieldURI");
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escape(value));
        }
        let _ = write!(out, "/><t:Value>{}</t:Value></t:ExtendedProperty>", escape(value));
        out
    }
}

/// A path to something of an item or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// A field URI.
    Uri(String),
    /// One header field.
    Header(String),
    Extended(Property),
}

impl Field {
    /// Reads one of the elements that are paths.
    pub(crate) fn read(node: &Node) -> Result<Self, Refusal> {
        match node.name.as_str() {
            "ExtendedFieldURI" => Property::read(node).map(Self::Extended),
            "IndexedFieldURI" if node.attribute("FieldURI") == Some("item:InternetMessageHeader") => {
                Ok(Self::Header(node.attribute("FieldIndex").unwrap_or_default().to_owned()))
            }
            _ => Ok(Self::Uri(node.attribute("FieldURI").unwrap_or_default().to_owned())),
        }
    }

    /// The path among a node's children.
    pub(crate) fn among(node: &Node) -> Result<Self, Refusal> {
        let path = node.children.iter().find(|child| is_path(&child.name));
        Self::read(path.ok_or_else(|| Refusal::new("ErrorInvalidRequest", "A path is missing."))?)
    }
}

/// Whether an element is a path.
pub(crate) fn is_path(name: &str) -> bool {
    ["FieldURI", "IndexedFieldURI", "ExtendedFieldURI", "ExceptionFieldURI"].contains(&name)
}

/// How bodies are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Best,
    Html,
    Text,
}

/// Which properties of an item are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Fields of [`MESSAGE_FIELDS`] in its order.
    pub(crate) fields: Vec<&'static str>,
    /// The only header fields that are wanted; all when empty.
    pub(crate) headers: Vec<String>,
    pub(crate) extended: Vec<Property>,
    pub(crate) body: BodyKind,
}

impl Shape {
    /// Reads an `ItemShape`. A listing has no bodies, headers and recipients.
    pub(crate) fn read(node: &Node, is_listing: bool) -> Result<Self, Refusal> {
        let mut wanted: Vec<&str> = match node.text_of("BaseShape") {
            Some("AllProperties") => MESSAGE_FIELDS
                .iter()
                .copied()
                .filter(|uri| {
                    !["item:MimeContent", "item:ExtendedProperty", "item:UniqueBody", "item:TextBody"]
                        .contains(uri)
                })
                .collect(),
            Some("Default") => DEFAULT_FIELDS.to_vec(),
            _ => vec!["item:ItemId"],
        };
        if node.flag("IncludeMimeContent") == Some(true) {
            wanted.push("item:MimeContent");
        }
        let mut shape = Self {
            fields: Vec::new(),
            headers: Vec::new(),
            extended: Vec::new(),
            body: match node.text_of("BodyType") {
                Some("HTML") => BodyKind::Html,
                Some("Text") => BodyKind::Text,
                _ => BodyKind::Best,
            },
        };
        let additional = node.child("AdditionalProperties").map(|paths| paths.children.as_slice());
        for path in additional.unwrap_or_default() {
            match Field::read(path)? {
                Field::Extended(property) => shape.extended.push(property),
                Field::Header(name) => shape.headers.push(name),
                Field::Uri(uri) => {
                    if uri.starts_with("folder:") {
                        return Err(Refusal::new(
                            "ErrorInvalidPropertyRequest",
                            "Property is not valid for this object type.",
                        ));
                    }
                    if let Some(own) = MESSAGE_FIELDS.iter().find(|own| **own == uri) {
                        wanted.push(own);
                    }
                }
            }
        }
        if wanted.contains(&"item:InternetMessageHeaders") {
            shape.headers.clear();
        } else if !shape.headers.is_empty() {
            wanted.push("item:InternetMessageHeaders");
        }
        if !shape.extended.is_empty() {
            wanted.push("item:ExtendedProperty");
        }
        shape.fields = MESSAGE_FIELDS
            .iter()
            .copied()
            .filter(|uri| wanted.contains(uri))
            .filter(|uri| !(is_listing && HEAVY_FIELDS.contains(uri)))
            .collect();
        Ok(shape)
    }

    pub(crate) fn wants(&self, uri: &str) -> bool {
        self.fields.contains(&uri)
    }

    /// Whether the content of the item is needed.
    pub(crate) fn reads_content(&self) -> bool {
        self.fields.iter().any(|uri| !ROW_FIELDS.contains(uri))
    }
}

/// Which properties of a folder are wanted.
#[derive(Clone, Debug)]
pub(crate) struct FolderShape {
    fields: Vec<String>,
    pub(crate) extended: Vec<Property>,
}

impl FolderShape {
    /// Reads a `FolderShape`.
    pub(crate) fn read(node: &Node) -> Result<Self, Refusal> {
        let base: &[&str] = match node.text_of("BaseShape") {
            Some("AllProperties") => &[
                "FolderId",
                "ParentFolderId",
                "FolderClass",
                "DisplayName",
                "TotalCount",
                "ChildFolderCount",
                "EffectiveRights",
                "DistinguishedFolderId",
                "UnreadCount",
            ],
            Some("Default") => &["FolderId", "DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount"],
            _ => &["FolderId"],
        };
        let mut fields: Vec<String> = base.iter().map(|name| (*name).to_owned()).collect();
        let mut extended = Vec::new();
        let additional = node.child("AdditionalProperties").map(|paths| paths.children.as_slice());
        for path in additional.unwrap_or_default() {
            match Field::read(path)? {
                Field::Uri(uri) => match uri.strip_prefix("folder:") {
                    Some(name) => fields.push(name.to_owned()),
                    None => {
                        return Err(Refusal::new(
                            "ErrorInvalidPropertyRequest",
                            "Property is not valid for this object type.",
                        ));
                    }
                },
                Field::Extended(property) => extended.push(property),
                Field::Header(_) => {}
            }
        }
        Ok(Self { fields, extended })
    }

    /// Nothing but the id.
    pub(crate) fn id_only() -> Self {
        Self { fields: vec!["FolderId".to_owned()], extended: Vec::new() }
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.fields.iter().any(|own| own == name)
    }
}
